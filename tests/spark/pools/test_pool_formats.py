"""The same rows give the same curation in every format of a pool."""

from __future__ import annotations

import gzip
import json
import runpy
from typing import TYPE_CHECKING, Any

import pyarrow.csv
import pytest
from pools import COLUMNS, made_up_table, pool_at, write_files

from metaclip_spark import preset_pool
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import TABLE_FORMATS, TEXT_FORMATS, Pool, PoolColumns
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.curation.curate import curate
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.pools.presets import PRESETS
from metaclip_spark.runs.identity import curation_identity
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark

ROWS = 300
CONFIG = CurateConfig(t=10.0)
DDL = "id string, image_url string, text string, width string"
SCHEMA = "formats_test"


def text_table() -> pa.Table:
    """Return rows of strings, as CSV gives them; the ids too, so that the draws agree."""
    table = made_up_table(ROWS)
    columns = {name: table[name].cast("string") for name in table.schema.names}
    texts = columns["text"].to_pylist()
    texts[:3] = ['w1 "quoted, w2', "w3 \U0001f431 \u2028 naïve", " w1 "]
    return pyarrow.table(columns | {"text": texts})


def lines(table: pa.Table, form: str, *, header: bool = True, end: str = "\n") -> bytes:
    rows = [list(row.values()) for row in table.to_pylist()]
    if form == "json":
        return "".join(json.dumps(row) + end for row in table.to_pylist()).encode()
    if form == "csv":
        rows = [[f'"{value.replace(chr(34), chr(34) * 2)}"' for value in row] for row in rows]
    rows = [table.schema.names, *rows] if header else rows
    return "".join(("\t" if form == "tsv" else ",").join(row) + end for row in rows).encode()


def write_lines(table: pa.Table, folder: Path, form: str, **options: Any) -> Path:
    folder.mkdir(parents=True)
    half = len(table) // 2
    for number, part in enumerate((table.slice(0, half), table.slice(half))):
        (folder / f"part-{number}.{form}").write_bytes(lines(part, form, **options))
    return folder


def pool_in(form: str, table: pa.Table, spark: SparkSession, folder: Path) -> Pool:
    """Write the table in one of the formats."""
    kind, _, variant = form.partition(", ")
    if kind in PRESETS:
        return pool_of_preset(kind, table, folder)
    if kind in TEXT_FORMATS:
        return pool_of_lines(kind, variant, table, folder)
    if kind in TABLE_FORMATS:
        return pool_of_tables(kind, variant, spark.createDataFrame(table.to_pylist(), DDL), folder)
    path = write_files(table, folder / "parquet", files=1 if variant == "one file" else 2)
    return pool_at(path / {"one file": "part-00000.parquet", "glob": "part-*.parquet"}.get(variant, ""))


def pool_of_lines(kind: str, variant: str, table: pa.Table, folder: Path) -> Pool:
    """Return the table as text."""
    header, end = variant != "no header", "\r\n" if variant == "CRLF" else "\n"
    path = write_lines(table, folder / "lines", kind, header=header, end=end)
    if variant == "gzip":
        for file in path.iterdir():
            (path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    options: dict[str, Any] = {} if header else {"header": False}
    if variant in {"no header", "a schema"}:
        options["schema"] = DDL
    return pool_at(path, format=kind, multiline=variant == "many lines", **options)


def pool_of_tables(kind: str, variant: str, rows: DataFrame, folder: Path) -> Pool:
    """Write the rows to Delta tables, or to tables of the catalog."""
    if variant == "two tables":  # the columns in another order, one of them in one table only
        rows.limit(100).write.format("delta").save(str(folder / "a"))
        rest = rows.subtract(rows.limit(100)).selectExpr("text", "image_url", "id", "width", "1 AS more")
        rest.write.format("delta").save(str(folder / "b"))
        return pool_at([folder / "a", folder / "b"], format="delta", drop=("more",))
    if variant in {"by name", "of Delta", "of Parquet"}:
        name = f"{SCHEMA}.{kind}_{variant.replace(' ', '_')}"
        provider = "parquet" if variant == "of Parquet" else "delta"
        rows.write.format(provider).mode("overwrite").saveAsTable(name)
        return Pool(paths=(name if kind == "delta" else f"spark_catalog.{name}",), columns=COLUMNS, format=kind)
    versions = (rows, rows.limit(1)) if variant == "older version" else (rows,)
    for version in versions:
        version.write.format("delta").mode("overwrite").save(str(folder / "delta"))
    return pool_at(folder / "delta", format="delta", version=0 if len(versions) > 1 else None)


def pool_of_preset(name: str, table: pa.Table, folder: Path) -> Pool:
    """Write the table in the format of a published data set."""
    pairs = {"url": table["image_url"], "caption": table["text"]}
    if name in {"cc3m", "cc12m"}:
        order = ["caption", "url"] if name == "cc3m" else ["url", "caption"]
        path = write_lines(
            pyarrow.table({column: pairs[column] for column in order}), folder / "tsv", "tsv", header=False
        )
        return preset_pool(name, str(path))
    columns = {
        "laion": {"URL": pairs["url"], "TEXT": pairs["caption"], "similarity": table["width"]},
        "datacomp": {"uid": table["id"], "url": pairs["url"], "text": pairs["caption"]},
        "img2dataset": pairs | {"key": table["id"], "status": table["width"]},
    }[name]
    return preset_pool(name, str(write_files(pyarrow.table(columns), folder / name, files=2)))


FORMS = [
    "parquet",
    "parquet, one file",
    "parquet, glob",
    "delta",
    "delta, older version",
    "delta, two tables",
    "delta, by name",
    "table, of Delta",
    "table, of Parquet",
    "csv",
    "csv, CRLF",
    "csv, no header",
    "csv, many lines",
    "csv, gzip",
    "tsv",
    "tsv, no header",
    "tsv, gzip",
    "json",
    "json, a schema",
    "json, gzip",
    *PRESETS,
]
MORE_OF_THE_SAME = {"parquet, one file", "csv, CRLF", "csv, many lines", "csv, gzip", "tsv, no header", "json, gzip"}
WHOLE_RUNS = {"delta, two tables"}


def in_short_set(forms: set[str]) -> list[Any]:
    """Return all formats; those that are not named run in the slow set."""
    return [pytest.param(form, marks=[] if form in forms else [pytest.mark.slow]) for form in FORMS]


@pytest.fixture(scope="module")
def catalog(spark: SparkSession) -> None:
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    spark.sql(f"CREATE SCHEMA {SCHEMA}")


@pytest.fixture(scope="module")
def expected(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Pool], tuple[CurateReport, list[Any]]]:
    """Return report and curated rows of the Parquet pool with the same ids: its own, or derived ones."""
    found: dict[bool, tuple[CurateReport, list[Any]]] = {}

    def expect(pool: Pool) -> tuple[CurateReport, list[Any]]:
        derived = pool.columns.uid is None
        if derived not in found:
            folder = tmp_path_factory.mktemp("expected")
            path = write_files(text_table(), folder / "pool")
            same = pool_at(path, PoolColumns(image_url="image_url") if derived else COLUMNS)
            report = curate(spark, same, metadata, str(folder / "out"), CONFIG)
            found[derived] = report, curated_rows(spark, folder / "out")
        return found[derived]

    return expect


def curated_rows(spark: SparkSession, root: Path) -> list[Any]:
    rows: DataFrame = spark.read.format("delta").load(str(root / "curated"))
    names = ["uid", "image_url", "text", "matched_entries", "probability", "draw", "admission_threshold"]
    return sorted(map(tuple, rows.select(*names).collect()))


@pytest.fixture
def command(
    repository: Path,
    metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Any]:
    """Return a function that runs the job script over a pool and returns its output."""
    (tmp_path / "entries").write_bytes(artifact_to_bytes(metadata))

    def run(pool: Pool, form: str, output: Path, *more: str) -> Any:
        places = ["--metadata", str(tmp_path / "entries"), "--tables", str(output)]
        monkeypatch.setattr("sys.argv", ["curate.py", *as_options(pool, form), *places, "--t", "10", "--json", *more])
        runpy.run_path(str(repository / "jobs" / "curate.py"), run_name="__main__")  # exits only where it fails
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.usefixtures("catalog")
@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("form", in_short_set({*FORMS} - MORE_OF_THE_SAME))
def test_every_format_gives_the_same_rows(
    form: str, spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, command: Callable[..., Any]
) -> None:
    """Options and values give the same run."""
    pool = pool_in(form, text_table(), spark, tmp_path)
    opened = open_pool(spark, pool)
    names = [name for name in ("image_url", "text", "width") if name in opened.rows.columns]
    rows = sorted(zip(*(text_table()[name].to_pylist() for name in names), strict=True))
    assert sorted(map(tuple, opened.rows.select(*names).collect())) == rows
    planned = curation_identity(pool, opened.source, {"en": metadata}, CONFIG)
    assert command(pool, form, tmp_path / "out", "--dry-run")["run_id"] == planned.run_id


@pytest.mark.usefixtures("catalog")
@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("form", in_short_set(WHOLE_RUNS))
def test_every_format_gives_the_same_curation(
    form: str,
    spark: SparkSession,
    metadata: CompiledMetadata,
    expected: Callable[[Pool], tuple[CurateReport, list[Any]]],
    tmp_path: Path,
    command: Callable[..., Any],
) -> None:
    pool = pool_in(form, text_table(), spark, tmp_path)
    report = curate(spark, pool, metadata, str(tmp_path / "out"), CONFIG)
    like, rows = expected(pool)
    assert report.counters == like.counters
    assert curated_rows(spark, tmp_path / "out") == rows
    # The run's own pool, read back, is the same run: nothing that decides what is read is lost on the way.
    stored = current_run(Tables(spark, str(tmp_path / "out"))).pool
    again = curate(spark, stored, metadata, str(tmp_path / "out"), CONFIG)
    assert (again.already_finished, again.run_id) == (True, report.run_id)
    said = command(pool, form, tmp_path / "by_options")
    assert (said["already_finished"], said["run_id"]) == (False, report.run_id)
    assert curated_rows(spark, tmp_path / "by_options") == rows


def as_options(pool: Pool, form: str) -> list[str]:
    """Return the options of the pool, as they are typed."""
    if form in PRESETS:
        return ["--pool", *pool.paths, "--preset", form]
    columns = {
        "--text-column": pool.columns.text,
        "--id-column": pool.columns.uid,
        "--url-column": pool.columns.image_url,
    }
    header = [] if pool.header is None else ["--header" if pool.header else "--no-header"]
    return [
        *("--pool", *pool.paths, "--format", pool.format),
        *(part for option, name in columns.items() if name for part in (option, name)),
        *(["--pool-version", str(pool.version)] if pool.version is not None else []),
        *header,
        *(["--multiline"] if pool.multiline else []),
        *(["--schema", pool.schema] if pool.schema else []),
        *(part for name in pool.drop for part in ("--drop", name)),
    ]
