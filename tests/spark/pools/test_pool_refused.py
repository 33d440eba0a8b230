"""Pools that raise errors before anything is written, with the messages: tables, text files, names."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError, MetaclipSparkError
from metaclip_spark.pools.open_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

BY_ID = PoolColumns(uid="id")
BY_URL = PoolColumns(image_url="url")
SCHEMA = "refused_test"


@dataclass(frozen=True)
class Refused:
    """Files of a pool by name, its options, and parts of the message."""

    name: str
    files: dict[str, bytes]
    options: dict[str, Any]
    says: tuple[str, ...]
    columns: PoolColumns = BY_ID
    error: type[MetaclipSparkError] = InputError


CSV = {"format": "csv"}
TSV = {"format": "tsv"}
JSON = {"format": "json"}

REFUSED = [
    Refused("no such path, but a similar one", {"pool/a.csv": b"id,text\n"}, CSV, ("did you mean pool?",)),
    Refused("an empty file", {"a": b""}, CSV, ("has no files, or only empty ones",)),
    Refused("a header alone", {"a": b"id,text\n"}, CSV, ("has no rows",)),
    Refused("blank lines", {"a": b"\n\r\n  \n"}, JSON, ("has no rows",)),
    Refused("no CSV", {"a": b"\x00\x01\x02\n\xff\xfe\n"}, CSV, ("no column 'text'",), error=ColumnNotFoundError),
    Refused("no JSON", {"a": b"id,text\n1,w1\n"}, JSON, ("no column 'text'",), error=ColumnNotFoundError),
    Refused(
        "no JSON, but a schema",
        {"a": b"id,text\n1,w1\n"},
        JSON | {"schema": "id string, text string"},
        ("None of the 2 records", "for example 'id,text'"),
    ),
    Refused(
        "an array of many lines",
        {"a": b'[{"id":1,"text":"w1"},\n{"id":2,"text":"w1"}]\n'},
        JSON | {"schema": "id string, text string"},
        ("a is one JSON array", "jq -c '.[]'"),
    ),
    Refused(
        "another header in one file",
        {"pool/a": b"id,text\n1,w1\n", "pool/b": b"text,id\nw1,1\n"},
        CSV,
        ("1 of the 2 files", "do not begin with the header"),
    ),
    Refused(
        "another header in one file of many lines",
        {"pool/a": b"id,text\n1,w1\n", "pool/b": b"text,id\nw1,1\n"},
        CSV | {"multiline": True},
        ("header",),
    ),
    Refused("one name twice", {"a": b"id,text,Text\n1,w1,w1\n"}, CSV, ("'text', 'Text'", "Change the header")),
    Refused("one key in two cases", {"a": b'{"id":1,"text":"a"}\n{"id":1,"Text":"a"}\n'}, JSON, ("'Text', 'text'",)),
    Refused(
        "a number as text",
        {"a": b'{"id":1,"text":[1]}\n'},
        JSON,
        ("array<bigint>", "--cast 'text=array<string>'"),
    ),
    Refused(
        "no header, one taken for it, the preset offered",
        {"a.tsv": b"https://example.org/1\tw1\nhttps://example.org/2\tw2\n"},
        TSV,
        ("--no-header", "--preset cc12m"),
        columns=BY_URL,
        error=ColumnNotFoundError,
    ),
    Refused(
        "the other order",
        {"a.tsv": b"w1\thttps://example.org/1\n"},
        TSV,
        ("--preset cc3m",),
        columns=BY_URL,
        error=ColumnNotFoundError,
    ),
    Refused(
        "a known kind",
        {"a.csv": b"URL,TEXT,similarity\nu,w1,0.3\n"},
        CSV,
        ("--preset laion", "Did you mean 'TEXT'"),
        columns=BY_URL,
        error=ColumnNotFoundError,
    ),
    Refused("an invalid schema", {"a": b"1,w1\n"}, CSV | {"schema": "id strin"}, ("is invalid",), error=ConfigError),
    Refused(
        "a schema with types for CSV",
        {"a": b"id,text\n1,w1\n"},
        CSV | {"schema": "id int, text string"},
        ("'id'", "Write id string"),
        error=ConfigError,
    ),
    Refused(
        "a schema that is not the header's",
        {"a": b"id,text\n1,w1\n"},
        CSV | {"schema": "text string, id string"},
        ("names id, text", "text, id"),
    ),
    Refused(
        "a dropped column that does not exist",
        {"a": b"id,text,width\n1,w1,3\n"},
        CSV | {"drop": ("widht",)},
        ("'widht'", "Did you mean 'width'"),
        error=ColumnNotFoundError,
    ),
    Refused("a damaged .gz", {"a.csv.gz": b"id,text\n1,w1\n"}, CSV, ("cannot be read as csv",)),
    Refused("no such table", {}, {"format": "delta", "paths": f"{SCHEMA}.pairz"}, ("Did you mean", f"{SCHEMA}.pairs")),
    Refused("no such schema", {}, {"format": "table", "paths": "refused_tset.pairs"}, (f"{SCHEMA}.pairs",)),
    Refused(
        "not a Delta table", {}, {"format": "delta", "paths": f"{SCHEMA}.files"}, ("not a Delta table, but parquet",)
    ),
    Refused("a view", {}, {"format": "table", "paths": f"{SCHEMA}.view"}, ("VIEW without files of its own",)),
    Refused(
        "a version of a table that has none",
        {},
        {"format": "table", "paths": f"{SCHEMA}.files", "version": 0},
        ("has no versions",),
    ),
    Refused(
        "a version that does not exist yet",
        {},
        {"format": "delta", "paths": f"{SCHEMA}.pairs", "version": 9},
        ("no version 9", "0 to 0"),
    ),
    Refused("a path as table", {"a": b""}, {"format": "table"}, ("is not a table of the catalog",)),
]


@pytest.fixture(scope="module")
def catalog(spark: SparkSession) -> None:
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    spark.sql(f"CREATE SCHEMA {SCHEMA}")
    rows = spark.createDataFrame([(1, "w1")], "id int, text string")
    rows.write.format("delta").saveAsTable(f"{SCHEMA}.pairs")
    rows.selectExpr("CAST(id AS bigint) AS id", "text").write.format("delta").saveAsTable(f"{SCHEMA}.others")
    rows.write.format("parquet").saveAsTable(f"{SCHEMA}.files")
    spark.sql(f"CREATE VIEW {SCHEMA}.view AS SELECT * FROM {SCHEMA}.pairs")


@pytest.mark.usefixtures("catalog")
@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused(case: Refused, spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    options = dict(case.options)
    first = next(iter(case.files), "")
    place = tmp_path / ("pol" if "similar" in case.name else first.partition("/")[0])
    pool = Pool(paths=options.pop("paths", str(place)), columns=case.columns, **options)
    with pytest.raises(case.error) as caught:
        curate(spark, pool, metadata, str(tmp_path / "out"))
    assert [part for part in case.says if part not in str(caught.value)] == [], str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_options_in_an_error_solve_it(spark: SparkSession, tmp_path: Path) -> None:
    names = ["a b;c", "a_b_c", "run_id", "Pool_run_id", "c.d", "e`f", "it's=x", "nested", "x\ty", "wall clock"]
    table = {name: pa.array([1, 2]) for name in names}
    table |= {
        "id": pa.array([1, 2]),
        "text": pa.array(["w1", "w2"]),
        "nested": pa.array([{"p,q": 1}, None]),
        "wall clock": pa.array([1, 2], pa.timestamp("us")),
    }
    pq.write_table(pa.table(table), tmp_path / "pool.parquet")
    pool = pool_at(tmp_path / "pool.parquet", BY_ID)
    with pytest.raises(InputError) as caught:
        open_pool(spark, pool)
    offered = str(caught.value).partition("or with ")[2]
    command = ["curate", "--pool", *pool.paths, "--metadata", "m", "--tables", "o", "--id-column", "id"]
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {offered}"], capture_output=True, text=True, check=True
    ).stdout
    options = build_parser().parse_args([*command, *words.split("\0")[:-1]])
    repaired = pool_of(options, run_file_of(options))
    assert repaired.drop == ("nested",)
    assert repaired.renamed()["wall clock"] == "wall_clock"
    assert open_pool(spark, repaired).rows.count() == 2
    # A column renamed to an invalid name is given under its name in the pool.
    with pytest.raises(InputError, match="--rename 'a b;c=p_q'"):
        open_pool(spark, replace(repaired, rename={**repaired.renamed(), "a b;c": "p q"}))


def test_globs(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"id": [name], "text": ["w1"]}), tmp_path / f"{name}.parquet")
    (tmp_path / "a.npz").write_bytes(b"no table")
    opened = open_pool(spark, pool_at(tmp_path / "*.parquet", BY_ID))
    assert (opened.rows.count(), opened.source.description["files"]) == (2, 2)


@pytest.mark.parametrize("kind", ["parquet", "json", "delta"])
def test_paths_that_lead_to_the_same_rows(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    rows = spark.createDataFrame([(1, "w1"), (2, "w2")], "id int, text string").coalesce(1)
    for name in ("a", "ab"):
        rows.write.format(kind).save(str(tmp_path / name))
    place = str(tmp_path / "a")
    pool = pool_at(tmp_path / "a", BY_ID, format=kind)
    assert open_pool(spark, replace(pool, paths=(place, f"{place}b"))).rows.count() == 4
    twice = [(place, place), (place, f"{tmp_path}/ab", f"{place}/")]
    if kind != "delta":
        (file,) = map(str, (tmp_path / "a").glob("part-*"))
        twice += [(place, file), (f"{tmp_path}/*", f"{place}b")]
    for paths in twice:
        with pytest.raises(InputError, match=r"twice|in more than one of these paths"):
            open_pool(spark, replace(pool, paths=paths))


def test_the_same_files_are_the_same_source(spark: SparkSession, tmp_path: Path) -> None:
    def digest(change: Callable[[], object] = lambda: None) -> str:
        change()
        return open_pool(spark, pool_at(tmp_path, BY_ID)).source.digest

    def put(name: str, rows: int) -> None:
        pq.write_table(pa.table({"id": range(rows), "text": ["w1"] * rows}), tmp_path / name)

    put("a.parquet", 3)
    put("b.parquet", 3)
    first = digest()
    assert digest() == first
    others = [
        digest(lambda: (tmp_path / "b.parquet").rename(tmp_path / "c.parquet")),
        digest(lambda: put("c.parquet", 4)),
        digest(lambda: put("c.parquet", 4)),  # the same bytes written again: Spark's identity of a file is its time
        digest((tmp_path / "c.parquet").unlink),
    ]
    assert len({first, *others}) == 5
