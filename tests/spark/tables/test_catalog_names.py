"""Tables in a schema of the catalog instead of a folder: the same rows, versions and errors."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from content_digest import content_digest
from pools import made_up_table, pool_at, write_files

from metaclip_spark import (
    CurateConfig,
    append,
    check,
    curate,
    diff,
    explain_uid,
    export_jsonl,
    inspect,
    read_metadata,
    read_table,
    rebalance,
)
from metaclip_spark.audit.dry_run import dry_run
from metaclip_spark.config.pool import Pool
from metaclip_spark.core.entries.merge import Source, merge
from metaclip_spark.curation.summary import render_summary
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.metadata.write_metadata import MetadataTarget
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

SCHEMA = "spark_catalog.catalog_names_test"
CONFIG = CurateConfig(t=20, reserve=60.0)
TABLES = ("curated", "reserve", "entry_counts", "size_curve")


@pytest.fixture
def schema(spark: SparkSession) -> Iterator[Path]:
    """Return the folder of a new schema."""
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    spark.sql(f"CREATE SCHEMA {SCHEMA}")
    described = spark.sql(f"DESCRIBE SCHEMA {SCHEMA}").collect()
    yield Path(next(row[1] for row in described if row[0] == "Location").removeprefix("file:"))
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def test_a_schema_gives_the_same_tables_as_a_folder(
    schema: Path,
    spark: SparkSession,
    metadata: CompiledMetadata,
    small_pool: Pool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What a killed first write leaves: its folder, and a file that no log names.
    write_files(made_up_table(3), schema / "curated")
    (schema / "curated" / "_delta_log").mkdir()
    assert dry_run(spark, small_pool, metadata, SCHEMA, CONFIG).free_bytes is None
    by_name = curate(spark, small_pool, metadata, SCHEMA, CONFIG)
    quoted = ".".join(f"`{part}`" for part in SCHEMA.split("."))
    for name in (SCHEMA, quoted):
        assert curate(spark, small_pool, metadata, name, CONFIG).already_finished
    folder = str(tmp_path / "folder")
    by_path = curate(spark, small_pool, metadata, folder, CONFIG)
    assert replace(by_name, seconds={}, tables={}) == replace(by_path, seconds={}, tables={})
    assert by_name.tables == {name: f"{SCHEMA}.{name}" for name in by_path.tables}
    for name in TABLES:
        here, there = (content_digest(read_table(spark, root, name), without=()) for root in (SCHEMA, folder))
        assert here == there, name
    for report in (by_name, by_path):
        exec(textwrap.dedent("\n".join(render_summary(report).splitlines()[-3:])), {})
        assert "admission_threshold" in capsys.readouterr().out
    assert check(spark, SCHEMA).rows == by_path.counters["kept"]
    stored = spark.sql(f"SHOW TABLES IN {SCHEMA}").where("NOT isTemporary")
    assert {row.tableName for row in stored.collect()} == {*TABLES, "runs"}
    assert [table.name for table in inspect(spark, by_name.tables["runs"]).tables] == ["runs"]


@pytest.mark.slow
@pytest.mark.usefixtures("schema")
def test_derived_runs_in_a_schema_equal_those_in_a_folder(
    spark: SparkSession, metadata: CompiledMetadata, small_pool: Pool, tmp_path: Path
) -> None:
    second = pool_at(write_files(made_up_table(2_300).slice(2_000), tmp_path / "second"))
    found = {}
    for root in (SCHEMA, str(tmp_path / "folder")):
        first = curate(spark, small_pool, metadata, root, CONFIG)
        second_run = append(spark, second, metadata, root)
        down = rebalance(spark, root, 10.0)
        checked = check(spark, root)
        row = read_table(spark, root).orderBy("uid").first()
        assert row is not None
        found[root] = (
            {name: content_digest(read_table(spark, root, name), without=()) for name in TABLES},
            content_digest(read_table(spark, root, version=first.output_versions["curated"]), without=()),
            [run.counters for run in (first, second_run, down)],
            [run.output_versions for run in (first, second_run, down)],
            (checked.rows, checked.version),
            explain_uid(spark, root, row.uid).as_dict(),
            diff(spark, root, root, before_at=0).rows_removed,
            [(table.name, table.rows, table.versions) for table in inspect(spark, root).tables],
            export_jsonl(spark, root, str(tmp_path / root.replace("/", "-"))).rows,
        )
    assert found[SCHEMA] == found[str(tmp_path / "folder")]


def test_metadata_goes_into_a_schema(schema: Path, spark: SparkSession) -> None:
    entries = merge([Source("wordnet", [])], official=["photo", "new york"]).entries
    written = MetadataTarget(spark, SCHEMA, "en").write(entries, digest="x", manifest={}, report={})
    assert written.files == {"table": f"{SCHEMA}.metadata"}
    assert "without the files (entries.txt, " in written.warnings[0]
    assert f"`curate --metadata en={SCHEMA}.metadata`" in written.warnings[0]
    assert (schema / "metadata").is_dir()
    assert read_metadata(f"{SCHEMA}.metadata", spark=spark).n_entries == 2


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("spark_catalog.catalog_name_test", "no schema catalog_name_test. Did you mean catalog_names_test?"),
        (f"{SCHEMA}.curated", f"Name their schema, {SCHEMA}, or write ./"),
    ],
)
@pytest.mark.usefixtures("schema")
def test_no_schema(root: str, said: str, spark: SparkSession, metadata: CompiledMetadata, small_pool: Pool) -> None:
    with pytest.raises(ConfigError, match=said):
        curate(spark, small_pool, metadata, root, CONFIG)


@pytest.mark.usefixtures("schema")
def test_another_table_of_the_name(spark: SparkSession, metadata: CompiledMetadata, small_pool: Pool) -> None:
    spark.range(3).write.format("parquet").saveAsTable(f"{SCHEMA}.runs")
    with pytest.raises(TableError, match=f"{SCHEMA}.runs is a table of another kind"):
        curate(spark, small_pool, metadata, SCHEMA, CONFIG)
    stored = spark.sql(f"SHOW TABLES IN {SCHEMA}").where("NOT isTemporary")
    assert [row.tableName for row in stored.collect()] == ["runs"]


def test_a_folder_with_a_dot_is_a_folder(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Tables(spark, "curated.v2").folder == f"{tmp_path}/curated.v2"
    (tmp_path / SCHEMA).mkdir()
    assert Tables(spark, SCHEMA).folder == f"{tmp_path}/{SCHEMA}", "what exists is a folder"


def test_a_catalog_with_a_hyphen(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of JDBC, with a database in memory: its schemas are found by name, and nothing becomes a folder."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "": "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
        ".url": "jdbc:derby:memory:my-cat;create=true",
        ".driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
    }
    for key, value in settings.items():
        spark.conf.set(f"spark.sql.catalog.my-cat{key}", value)
    assert Tables(spark, "`my-cat`.APP").root == "`my-cat`.APP"
    with pytest.raises(ConfigError, match=r"no schema crawl\..*CREATE SCHEMA `my-cat`\.crawl\)"):
        Tables(spark, "`my-cat`.crawl")
    with pytest.raises(ConfigError, match="The session has no catalog `no-cat`"):
        Tables(spark, "`no-cat`.crawl")
    with pytest.raises(ConfigError, match="can be a folder or a name in the catalog"):
        Tables(spark, "my-cat.APP")
    with pytest.raises(InputError, match=r"`my-cat`\.APP\.pairs"):
        open_pool(spark, Pool(paths="`my-cat`.APP.pairs", format="table"))
    assert list(tmp_path.iterdir()) == []
