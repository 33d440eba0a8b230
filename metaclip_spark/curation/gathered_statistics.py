"""Statistics of all rows that a transform reads, including those that it drops.

With a SparkContext an accumulator brings them to the driver while the result is written; Spark counts it once per task
if the task belongs to the stage that writes. Without a SparkContext, the transform runs a second time, for the
statistics alone. All figures are sums of integers over the same rows, so both ways give the same digits.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from pyspark.accumulators import AccumulatorParam

from metaclip_spark.core.balancing.statistics import BalanceStatistics
from metaclip_spark.spark.arrow_functions import map_in_arrow, with_arrow_column
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField, StructType

Batches = Iterator[pa.RecordBatch]
Function = Callable[[Batches, BalanceStatistics], Batches]
"""Function of one task: batches in, batches out; adds figures of the rows it reads to the statistics."""
ColumnFunction = Callable[[pa.RecordBatch, BalanceStatistics], pa.Array]
"""Function of one batch: some columns in, one out; adds figures of the rows it reads to the statistics."""


_Consumed = Callable[[Batches, BalanceStatistics], Iterator[pa.RecordBatch | pa.Array]]


class Statistics(Protocol):
    """Figures of all rows that one or several transforms read."""

    def gather(self, rows: DataFrame, function: Function, schema: StructType) -> DataFrame:
        """Apply a function as `map_in_arrow` does, and gather its statistics."""

    def gather_column(
        self, rows: DataFrame, columns: Sequence[str], function: ColumnFunction, added: StructField
    ) -> DataFrame:
        """Apply a function as `with_arrow_column` does, and gather its statistics."""

    @property
    def value(self) -> BalanceStatistics:
        """Figures of all rows; read them after the result is written, while its inputs still exist."""


def statistics_of(spark: SparkSession) -> Statistics:
    """Return empty statistics, to be gathered by one or several transforms."""
    return _Accumulated(spark) if has_spark_context(spark) else _Measured()


class _Param(AccumulatorParam[BalanceStatistics]):
    """Rule by which Spark's accumulator adds the statistics of tasks, in any order."""

    def zero(self, value: BalanceStatistics) -> BalanceStatistics:  # noqa: ARG002 - pyspark's signature
        """Return the statistics of no rows."""
        return BalanceStatistics()

    def addInPlace(  # noqa: N802 - pyspark's name
        self, value1: BalanceStatistics, value2: BalanceStatistics
    ) -> BalanceStatistics:
        """Return the statistics of both."""
        return value1.merge(value2)


class _Accumulated:
    """Statistics gathered by an accumulator."""

    def __init__(self, spark: SparkSession) -> None:
        self._accumulator = spark.sparkContext.accumulator(BalanceStatistics(), _Param())

    def gather(self, rows: DataFrame, function: Function, schema: StructType) -> DataFrame:
        accumulator = self._accumulator

        def counting(batches: Batches) -> Batches:
            figures = BalanceStatistics()
            yield from function(batches, figures)
            accumulator.add(figures)

        return map_in_arrow(rows, counting, schema)

    def gather_column(
        self, rows: DataFrame, columns: Sequence[str], function: ColumnFunction, added: StructField
    ) -> DataFrame:
        accumulator = self._accumulator

        def counting(batches: Batches) -> Iterator[pa.Array]:
            figures = BalanceStatistics()
            for batch in batches:
                yield function(batch, figures)
            accumulator.add(figures)

        return with_arrow_column(rows, columns, counting, added)

    @property
    def value(self) -> BalanceStatistics:
        return self._accumulator.value


class _Measured:
    """Statistics gathered by a second pass of each transform."""

    def __init__(self) -> None:
        self._passes: list[tuple[DataFrame, _Consumed]] = []

    def gather(self, rows: DataFrame, function: Function, schema: StructType) -> DataFrame:
        self._passes.append((rows, function))
        return map_in_arrow(rows, lambda batches: function(batches, BalanceStatistics()), schema)

    def gather_column(
        self, rows: DataFrame, columns: Sequence[str], function: ColumnFunction, added: StructField
    ) -> DataFrame:
        def compute(batches: Batches, figures: BalanceStatistics) -> Iterator[pa.Array]:
            return (function(batch, figures) for batch in batches)

        self._passes.append((rows.select(*map(quoted, columns)), compute))
        return with_arrow_column(rows, columns, lambda batches: compute(batches, BalanceStatistics()), added)

    @cached_property
    def value(self) -> BalanceStatistics:
        measured = [
            pickle.loads(row.figures)  # noqa: S301 - written by our own function
            for rows, function in self._passes
            for row in map_in_arrow(rows, _only_figures(function), "figures binary").collect()
        ]
        return reduce(BalanceStatistics.merge, measured, BalanceStatistics())


def _only_figures(function: _Consumed) -> Callable[[Batches], Batches]:
    def measure(batches: Batches) -> Batches:
        figures = BalanceStatistics()
        for _ in function(batches, figures):
            pass
        yield pa.record_batch([pa.array([pickle.dumps(figures)], pa.binary())], names=["figures"])

    return measure
