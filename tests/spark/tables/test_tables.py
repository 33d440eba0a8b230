"""Small tables: rows are put in one commit, in place of those in the way, by one of several writers at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables import files as table_files
from metaclip_spark.tables.file_layout import FileLayout
from metaclip_spark.tables.log import Write
from metaclip_spark.tables.schemas import CURATED, ENTRY_COUNTS, ENTRY_COUNTS_SCHEMA
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, str(tmp_path / "tables"))


def put(tables: Tables, version: str, count: int, *, looked: bool = False) -> None:
    rows = tables.frame([(version, "en", 0, "entry", count, "", "digest")], ENTRY_COUNTS_SCHEMA)
    tables.put(ENTRY_COUNTS, rows, f"counts_version = '{version}'", looked=looked)


def stored(tables: Tables) -> list[tuple[str, int]]:
    rows = tables.read(ENTRY_COUNTS)
    assert rows is not None
    return sorted((row.counts_version, row["count"]) for row in rows.collect())


def test_put_replaces_what_is_in_the_way_and_nothing_else(tables: Tables) -> None:
    for version, count in [("a", 1), ("b", 2), ("a", 3)]:
        put(tables, version, count)
    assert stored(tables) == [("a", 3), ("b", 2)]


def test_rows_that_were_deleted_can_be_put_again(spark: SparkSession, tables: Tables) -> None:
    for version in ("a", "b"):
        put(tables, version, 1)
    spark.sql(f"DELETE FROM {tables.sql_name(ENTRY_COUNTS)} WHERE counts_version = 'b'")
    assert stored(tables) == [("a", 1)]
    put(tables, "b", 1)
    assert stored(tables) == [("a", 1), ("b", 1)]


def test_of_equal_writers_at_once_one_wins_and_the_others_say_so(tables: Tables) -> None:
    put(tables, "a", 1)
    refused: list[TableError] = []

    def write() -> None:
        try:
            put(tables, "b", 2)
        except TableError as error:
            refused.append(error)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert stored(tables) == [("a", 1), ("b", 2)]
    assert all("at the same time" in str(error) for error in refused)


def test_of_two_that_had_looked_the_later_one_takes_the_place_of_the_other(tables: Tables) -> None:
    for version, count in [("a", 1), ("b", 2), ("b", 3)]:
        put(tables, version, count, looked=True)
    assert stored(tables) == [("a", 1), ("b", 3)]
    assert tables.newest_version(ENTRY_COUNTS) == 3  # two appends of b, and the one that mended it


def test_a_root_that_can_hold_no_tables_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for form in ("", "file:", "file://"):
        with pytest.raises(TableError, match="is a file: use another output"):
            Tables(spark, f"{form}{tmp_path}/file").refuse_foreign()
    with pytest.raises(ConfigError, match="cannot be looked up: File name too long"):
        Tables(spark, str(tmp_path / ("x" * 300))).refuse_foreign()


def test_files_are_written_in_whole_waves(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(0, 64, numPartitions=8).selectExpr("id", "cast(id as double) as admission_threshold")
    for wanted, written in ((1, 2), (3, 4), (4, 4), (99, 8)):  # by two cores; no more than there are tasks to join
        layout = FileLayout(compression="zstd", file_bytes=10, expected_bytes=10.0 * wanted)
        root = tmp_path / str(wanted)
        assert Tables(spark, str(root)).replace(CURATED, rows, run_id="run", layout=layout, after=-1).rows == 64
        assert len(list((root / CURATED).glob("*.parquet"))) == written


def test_rows_are_counted_where_delta_records_none(spark: SparkSession, tables: Tables) -> None:
    rows = spark.range(64).selectExpr("id", "cast(id as double) as admission_threshold")
    layout = FileLayout(compression="zstd", file_bytes=10)
    with changed_settings(spark, {"spark.databricks.delta.history.metricsEnabled": "false"}):
        written = tables.replace(CURATED, rows, run_id="run", layout=layout, after=-1)
    assert written == Write(0, 64)
    assert tables.extent(CURATED).commits[0].rows is None


def test_the_files_of_tables_are_not_listed_to_learn_that_they_are_ours(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old versions have as many files as there were commits; a folder that is not there has none."""
    tables.refuse_foreign()
    put(tables, "a", 1)
    listed: list[str] = []
    whole = table_files.listing

    def listing(spark: SparkSession, path: str) -> DataFrame:
        listed.append(path)
        return whole(spark, path)

    monkeypatch.setattr(table_files, "listing", listing)
    tables.refuse_foreign()
    assert [path for path in listed if tables.path(ENTRY_COUNTS).startswith(path)] == []
