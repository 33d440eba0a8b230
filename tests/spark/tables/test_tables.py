"""Writes to small tables: one commit each, which replaces earlier rows, also with several writers at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.spark import file_listing
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables.delta_log import Write
from metaclip_spark.tables.file_layout import FileLayout
from metaclip_spark.tables.schemas import CURATED, ENTRY_COUNTS, ENTRY_COUNTS_SCHEMA
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, str(tmp_path / "tables"))


def write(tables: Tables, version: str, count: int, *, known_absent: bool = False) -> None:
    rows = tables.create_dataframe([(version, "en", 0, "entry", count, "", "digest")], ENTRY_COUNTS_SCHEMA)
    tables.replace_rows(ENTRY_COUNTS, rows, f"counts_version = '{version}'", known_absent=known_absent)


def stored(tables: Tables) -> list[tuple[str, int]]:
    rows = tables.read(ENTRY_COUNTS)
    assert rows is not None
    return sorted((row.counts_version, row["count"]) for row in rows.collect())


def test_only_rows_that_meet_the_condition_are_replaced(tables: Tables) -> None:
    for version, count in [("a", 1), ("b", 2), ("a", 3)]:
        write(tables, version, count)
    assert stored(tables) == [("a", 3), ("b", 2)]


def test_deleted_rows_can_be_written_again(spark: SparkSession, tables: Tables) -> None:
    for version in ("a", "b"):
        write(tables, version, 1)
    spark.sql(f"DELETE FROM {tables.sql_name(ENTRY_COUNTS)} WHERE counts_version = 'b'")
    assert stored(tables) == [("a", 1)]
    write(tables, "b", 1)
    assert stored(tables) == [("a", 1), ("b", 1)]


def test_one_of_several_equal_writers_wins_and_the_others_fail_with_a_message(tables: Tables) -> None:
    write(tables, "a", 1)
    refused: list[TableError] = []

    def attempt() -> None:
        try:
            write(tables, "b", 2)
        except TableError as error:
            refused.append(error)

    writers = [threading.Thread(target=attempt) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert stored(tables) == [("a", 1), ("b", 2)]
    assert all("at the same time" in str(error) for error in refused)


def test_the_later_of_two_writers_that_knew_of_no_rows_replaces_the_other(tables: Tables) -> None:
    for version, count in [("a", 1), ("b", 2), ("b", 3)]:
        write(tables, version, count, known_absent=True)
    assert stored(tables) == [("a", 1), ("b", 3)]
    assert tables.newest_version(ENTRY_COUNTS) == 3  # two appends of b, and the one that repaired it


def test_a_file_as_root_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for form in ("", "file:", "file://"):
        with pytest.raises(TableError, match=r"is a file\. Choose another root"):
            Tables(spark, f"{form}{tmp_path}/file").check_root()
    with pytest.raises(ConfigError, match="cannot be accessed: File name too long"):
        Tables(spark, str(tmp_path / ("x" * 300))).check_root()


def test_files_are_written_in_complete_waves(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(0, 64, numPartitions=8).selectExpr("id", "cast(id as double) as admission_threshold")
    for wanted, written in ((1, 2), (3, 4), (4, 4), (99, 8)):  # by two cores; no more than there are tasks to join
        layout = FileLayout(compression="zstd", file_bytes=10, expected_bytes=10.0 * wanted)
        root = tmp_path / str(wanted)
        assert Tables(spark, str(root)).replace_table(CURATED, rows, run_id="run", layout=layout, after=-1).rows == 64
        assert len(list((root / CURATED).glob("*.parquet"))) == written


def test_rows_are_counted_where_delta_records_none(spark: SparkSession, tables: Tables) -> None:
    rows = spark.range(64).selectExpr("id", "cast(id as double) as admission_threshold")
    layout = FileLayout(compression="zstd", file_bytes=10)
    with changed_settings(spark, {"spark.databricks.delta.history.metricsEnabled": "false"}):
        written = tables.replace_table(CURATED, rows, run_id="run", layout=layout, after=-1)
    assert written == Write(0, 64)
    assert tables.extent(CURATED).commits[0].rows is None


def test_checking_the_root_does_not_list_the_files_of_tables(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old versions have as many files as there were commits."""
    tables.check_root()
    write(tables, "a", 1)
    listed: list[str] = []
    original = file_listing.listed_files

    def listed_files(spark: SparkSession, path: str) -> DataFrame:
        listed.append(path)
        return original(spark, path)

    monkeypatch.setattr(file_listing, "listed_files", listed_files)
    tables.check_root()
    assert [path for path in listed if tables.path(ENTRY_COUNTS).startswith(path)] == []
