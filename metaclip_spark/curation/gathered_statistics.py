"""Statistics of rows that a transform reads, also of those that it drops.

With a context they come to the driver by an accumulator, while the result is written; Spark counts it once per task
where the task belongs to the stage that writes. Without one the transform runs once more after that, for the statistics
alone: all of them are sums of integers over the same rows, so the figures are the same to the last digit.
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
"""Of one task: batches in, batches out; adds what it sees to the statistics."""
ColumnFunction = Callable[[pa.RecordBatch, BalanceStatistics], pa.Array]
"""Of one batch: some columns in, one out; adds what it sees to the statistics."""


_Consumed = Callable[[Batches, BalanceStatistics], Iterator[pa.RecordBatch | pa.Array]]


class Statistics(Protocol):
    """Figures of all rows that one or several transforms read."""

    def gather(self, rows: DataFrame, function: Function, schema: StructType) -> DataFrame:
        """`map_in_arrow`, with a function that counts."""

    def gather_column(
        self, rows: DataFrame, columns: Sequence[str], function: ColumnFunction, added: StructField
    ) -> DataFrame:
        """`with_arrow_column`, with a function that counts."""

    @property
    def value(self) -> BalanceStatistics:
        """The figures; to be asked for after the result was written, while its inputs are still there."""


def statistics_of(spark: SparkSession) -> Statistics:
    """Statistics of one run of a transform or several."""
    return _Accumulated(spark) if has_spark_context(spark) else _Measured()


class _Param(AccumulatorParam[BalanceStatistics]):
    """How Spark adds the statistics of tasks; the sum does not depend on their order."""

    def zero(self, value: BalanceStatistics) -> BalanceStatistics:  # noqa: ARG002 - pyspark's signature
        """No rows."""
        return BalanceStatistics()

    def addInPlace(  # noqa: N802 - pyspark's name
        self, value1: BalanceStatistics, value2: BalanceStatistics
    ) -> BalanceStatistics:
        """The figures of both."""
        return value1.merge(value2)


class _Accumulated:
    """By an accumulator."""

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
    """By a pass of its own for each transform."""

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
            pickle.loads(row.figures)  # noqa: S301 - our own workers wrote it
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
