"""A column added in either of two ways: the same rows and figures, and every batch once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from metaclip_spark.curation.gathered_statistics import statistics_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

    from metaclip_spark.core.balancing.statistics import BalanceStatistics

pytestmark = pytest.mark.spark

ROWS = 5_000
ADDED = T.StructField("found", T.StructType([T.StructField("sum", T.LongType()), T.StructField("u", T.DoubleType())]))


def made_up(spark: SparkSession) -> DataFrame:
    """Return rows with columns that a worker does not need."""
    lists = F.when(F.col("id") % 7 == 0, None).otherwise(F.array(F.col("id"), F.lit(2)))
    return spark.range(ROWS, numPartitions=3).select(
        "id",
        lists.alias("ids"),
        F.rand(1).alias("draw"),
        F.struct(F.col("id").cast("string").alias("text")).alias("nested"),
        F.lit("x" * 50).alias("long"),
    )


def run(spark: SparkSession) -> tuple[list[Row], BalanceStatistics]:
    def judged(batch: pa.RecordBatch, figures: BalanceStatistics) -> pa.StructArray:
        assert batch.schema.names == ["ids", "draw"]
        u = batch.column("draw").to_numpy()
        figures.add("en", np.ones(len(u)), u, 0.5)
        sums = [None if values is None else sum(values) for values in batch.column("ids").to_pylist()]
        return pa.StructArray.from_arrays([pa.array(sums, pa.int64()), pa.array(u)], names=["sum", "u"])

    statistics = statistics_of(spark)
    rows = statistics.gather_column(made_up(spark), ["ids", "draw"], judged, ADDED)
    # Used twice: a deterministic function would be called twice, and its rows counted twice.
    found = rows.where(F.col("found.u") <= 0.5).select("*", F.col("found.sum").alias("sum")).collect()
    return sorted(found, key=lambda row: row.id), statistics.value


def test_both_ways_give_the_same_rows(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, figures = run(spark)
    assert figures.matched == ROWS
    assert 0.4 * ROWS < len(rows) == figures.kept < 0.6 * ROWS
    assert all(row.found.u == row.draw and row.nested.text == str(row.id) for row in rows)
    assert all(row.sum == (None if row.id % 7 == 0 else row.id + 2) for row in rows)
    monkeypatch.delattr(F, "arrow_udf")  # as Spark 4.0 is
    others, counted = run(spark)
    assert others == rows
    assert (counted.matched, counted.kept) == (figures.matched, figures.kept)
