"""Spark's size check is left out only for narrow rows in Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.spark.session_features import WITHOUT_CONTEXT
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

BYTES, ROWS = "spark.sql.execution.arrow.maxBytesPerBatch", "spark.sql.execution.arrow.maxRecordsPerBatch"
NO_LIMIT = str(2**31 - 1)
# SQL expressions of one caption per row; digests, so that compression cannot shrink the files.
CAPTION = "sha2(cast(id as string), 256)"
PAGE = "concat_ws(' ', transform(sequence(1, 30), i -> sha2(concat(id, '-', i), 256)))"


def stored(spark: SparkSession, path: Path, caption: str, *, form: str = "parquet", rows: int = 2_000) -> DataFrame:
    spark.range(rows).selectExpr("id", f"{caption} as text").coalesce(1).write.format(form).save(str(path))
    return spark.read.format(form).load(str(path))


def limits(spark: SparkSession) -> tuple[str | None, str | None]:
    return spark.conf.get(BYTES, None), spark.conf.get(ROWS, None)


@pytest.mark.parametrize(
    ("form", "caption", "asked", "limited"),
    [
        ("parquet", CAPTION, "50000", (NO_LIMIT, "16384")),
        ("delta", CAPTION, "50000", (NO_LIMIT, "16384")),
        ("parquet", CAPTION, "1000", (NO_LIMIT, "1000")),
        ("parquet", CAPTION, "0", (NO_LIMIT, "16384")),
        ("parquet", PAGE, "50000", None),
        ("parquet", f"cast({CAPTION} as binary)", "50000", None),
        ("parquet", f"array({CAPTION})", "50000", None),
        ("json", CAPTION, "50000", None),
    ],
    ids=["narrow", "narrow, in Delta", "fewer asked for", "no limit asked for", "pages", "bytes", "list", "no footers"],
)
def test_limits_within_and_after(
    spark: SparkSession, tmp_path: Path, form: str, caption: str, asked: str, limited: tuple[str, str] | None
) -> None:
    rows = stored(spark, tmp_path / "pool", caption, form=form)
    with changed_settings(spark, {ROWS: asked}):
        before = limits(spark)
        with row_bounded_batches(rows):
            assert limits(spark) == (limited or before)
        assert limits(spark) == before


@pytest.mark.parametrize("place", range(3), ids=["first", "between", "last"])
def test_one_folder_of_wide_rows_among_narrow_ones(spark: SparkSession, tmp_path: Path, place: int) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    for number, path in enumerate(paths):
        stored(spark, Path(path), PAGE if number == place else CAPTION)
    before = limits(spark)
    with row_bounded_batches(spark.read.parquet(*paths)):
        assert limits(spark) == before


def test_without_a_spark_context_one_file_is_read(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [stored(spark, tmp_path / name, caption) for name, caption in (("narrow", CAPTION), ("wide", PAGE))]
    monkeypatch.setenv(WITHOUT_CONTEXT, "1")
    before = limits(spark)
    with row_bounded_batches(rows[0]):
        assert limits(spark)[0] == NO_LIMIT
    with row_bounded_batches(rows[1]):
        assert limits(spark) == before


def test_names_of_all_files_stay_in_the_jvm(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = stored(spark, tmp_path / "pool", CAPTION)

    def all_names(_: object) -> list[str]:
        raise AssertionError("of a pool they may be millions")

    monkeypatch.setattr(type(rows), "inputFiles", all_names)
    with row_bounded_batches(rows):
        assert limits(spark)[0] == NO_LIMIT


def test_a_limit_of_the_user_stays(spark: SparkSession, tmp_path: Path) -> None:
    rows = stored(spark, tmp_path / "pool", CAPTION)
    with changed_settings(spark, {BYTES: "64m"}), row_bounded_batches(rows):
        assert limits(spark)[0] == "64m"


def test_an_empty_file_bounds_nothing(spark: SparkSession, tmp_path: Path) -> None:
    rows = stored(spark, tmp_path / "pool", CAPTION, rows=0)
    before = limits(spark)
    with row_bounded_batches(rows):
        assert limits(spark) == before


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_odd_paths(spark: SparkSession, tmp_path: Path, form: str) -> None:
    """Spark writes the file names of the two formats differently."""
    path = str(tmp_path / "my pool %41")
    rows = spark.range(2_000).selectExpr("id", f"{CAPTION} as text", "'2024-01-01 00:00:00 50%' as seen")
    rows.coalesce(1).write.format(form).partitionBy("seen").save(path)
    read = spark.read.format(form).load(path)
    with row_bounded_batches(read):
        assert limits(spark)[0] == NO_LIMIT
    assert read.count() == 2_000
