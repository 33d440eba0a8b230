"""Checks of a pool's columns and paths: errors before any work, with all problems at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError, MetaclipSparkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

GOOD = {"id": pa.array([1, 2]), "text": pa.array(["w1", "w2"]), "url": pa.array(["a", "b"])}
BY_ID = PoolColumns(uid="id")


@dataclass(frozen=True)
class Refused:
    """A pool that raises an error, and parts of the message."""

    name: str
    says: tuple[str, ...]
    columns: PoolColumns = BY_ID
    add: dict[str, pa.Array] = field(default_factory=dict)
    make: Callable[[SparkSession, Path], Pool] | None = None
    error: type[MetaclipSparkError] = InputError


def delta_pool(spark: SparkSession, folder: Path, version: int) -> Pool:
    spark.createDataFrame([(1, "w1")], "id int, text string").write.format("delta").save(str(folder / "delta"))
    return pool_at(folder / "delta", BY_ID, format="delta", version=version)


def empty_folder(_: SparkSession, folder: Path) -> Pool:
    (folder / "empty").mkdir()
    return pool_at(folder / "empty", BY_ID)


def no_parquet(_: SparkSession, folder: Path) -> Pool:
    (folder / "pool.parquet").write_text("id,text\n1,w1\n")
    return pool_at(folder / "pool.parquet", BY_ID)


def no_rows(_: SparkSession, folder: Path) -> Pool:
    pq.write_table(pa.table(GOOD).slice(0, 0), folder / "pool.parquet")
    return pool_at(folder / "pool.parquet", BY_ID)


def interval(spark: SparkSession, folder: Path) -> Pool:
    rows = spark.sql("SELECT 1 AS id, 'w1' AS text, named_struct('x', array(INTERVAL '1' DAY)) AS pause")
    rows.write.parquet(str(folder / "pool"))
    return pool_at(folder / "pool", BY_ID)


def a_subfolder(_: SparkSession, folder: Path) -> Pool:
    (folder / "pool" / "more").mkdir(parents=True)
    for place in ("pool", "pool/more"):
        pq.write_table(pa.table(GOOD), folder / place / "file.parquet")
    return pool_at(folder / "pool", BY_ID)


def two_columns_of_one_name(_: SparkSession, folder: Path) -> Pool:
    table = pa.table([*GOOD.values(), GOOD["id"]], names=[*GOOD, "width"])
    pq.write_table(table.append_column("WIDTH", GOOD["id"]), folder / "pool.parquet")
    return pool_at(folder / "pool.parquet", BY_ID)


REFUSED = [
    Refused(
        "no such column, but a similar one",
        ("no column 'TEXTS'", "its columns: id, text, url", "Did you mean 'text'?"),
        columns=PoolColumns(text="TEXTS", uid="id"),
        error=ColumnNotFoundError,
    ),
    Refused(
        "no such column in this case",
        ("no column 'Text'", "Did you mean 'text'?"),
        columns=PoolColumns(text="Text", uid="id"),
        error=ColumnNotFoundError,
    ),
    Refused(
        "no such column at all",
        ("no column 'similarity' for uid",),
        columns=PoolColumns(uid="similarity"),
        error=ColumnNotFoundError,
    ),
    Refused(
        "a number as text",
        ("'id'", "bigint", "text must be binary or string"),
        columns=PoolColumns(text="id", uid="url"),
    ),
    Refused(
        "a double as id",
        ("'score'", "double", "uid must be"),
        columns=PoolColumns(uid="score"),
        add={"score": pa.array([0.5, 1.5])},
    ),
    Refused(
        "bytes as URL",
        ("'raw'", "binary", "image_url must be string"),
        columns=PoolColumns(uid="id", image_url="raw"),
        add={"raw": pa.array([b"a", b"b"])},
    ),
    Refused(
        "all clashes, names and types at once",
        (
            "7 column(s)",
            "'Probability' is the name of a column of the curated table",
            "'run_id' is the name",
            "'a b;c' contains ' ;', which Delta rejects: rename it to 'a_b_c'",
            "'nested.x=y' contains '='",
            "'list.element.p,q' contains ','",
            "'c.d' contains a dot or a backtick: rename it to 'c_d'",
            "'e`f' contains a dot or a backtick",
        ),
        add={
            "Probability": pa.array([0.5, 1.5]),
            "run_id": pa.array(["a", "b"]),
            "a b;c": pa.array([1, 2]),
            "nested": pa.array([{"x=y": 1}, None]),
            "list": pa.array([[{"p,q": 1}], []]),
            "c.d": pa.array([1, 2]),
            "e`f": pa.array([1, 2]),
        },
    ),
    Refused(
        "a column called uid beside the named one",
        ("1 column(s)", "'uid'", "or name it for uid (--id-column)", "--rename uid=pool_uid"),
        add={"uid": pa.array(["a", "b"])},
    ),
    Refused(
        "a column called language of the wrong type",
        ("'language'", "bigint", "language must be string", "--language-column", "--drop language"),
        add={"language": pa.array([1, 2])},
    ),
    Refused(
        "no id, and no URL to derive it from",
        ("have no id", "(its columns: id, text, url)", "--id-column", "--url-column"),
        columns=PoolColumns(),
        error=ConfigError,
    ),
    Refused(
        "an interval", ("'pause.x.element' has type interval day", "cast it, for example to string"), make=interval
    ),
    Refused(
        "names that differ in case only", ("cannot be read", "`width` already exists"), make=two_columns_of_one_name
    ),
    Refused(
        "no such path",
        ("cannot be read as parquet", "nowhere"),
        make=lambda _, folder: pool_at(folder / "nowhere", BY_ID),
    ),
    Refused(
        "no such Delta table",
        ("cannot be read as delta", "nowhere"),
        make=lambda _, folder: pool_at(folder / "nowhere", BY_ID, format="delta"),
    ),
    Refused(
        "files in a subfolder, which Spark does not read",
        ("1 of the 2 files", "Name these folders too"),
        make=a_subfolder,
    ),
    Refused("an empty folder", ("has no files",), make=empty_folder),
    Refused("no Parquet", ("cannot be read as parquet",), make=no_parquet),
    Refused("no rows", ("has no rows",), make=no_rows),
    Refused(
        "a Delta version that does not exist yet",
        ("no version 7", "0 to 0"),
        make=lambda s, folder: delta_pool(s, folder, 7),
    ),
    Refused("a Delta version below zero", ("-1",), make=lambda s, folder: delta_pool(s, folder, -1)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, case: Refused) -> None:
    if case.make is None:
        pq.write_table(pa.table(GOOD | case.add), tmp_path / "pool.parquet")
        pool = pool_at(tmp_path / "pool.parquet", case.columns)
    else:
        pool = case.make(spark, tmp_path)
    with pytest.raises(case.error) as caught:
        curate(spark, pool, metadata, str(tmp_path / "out"))
    assert [part for part in case.says if part not in str(caught.value)] == [], str(caught.value)
    assert not (tmp_path / "out").exists()
