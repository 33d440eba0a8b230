"""Functions over Arrow batches, run by Python workers that have the driver's version of this library."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - Spark reads the annotations of its functions
from itertools import tee
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.library_version import require_same_library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame

    Batches = Iterator[pa.RecordBatch]
    Arrays = Iterator[pa.Array]


def map_in_arrow(rows: DataFrame, function: Callable[[Batches], Batches], schema: T.StructType | str) -> DataFrame:
    """Return `rows.mapInArrow`, computed by workers that have this version of the library.

    Args:
        rows: Rows that are sent to the workers.
        function: Function that is called once per task.
        schema: Schema of the batches that it yields.

    Raises:
        EnvironmentProblemError: A worker runs another version than the driver.
    """
    return rows.mapInArrow(require_same_library(function), schema)


def with_arrow_column(
    rows: DataFrame, columns: Sequence[str], function: Callable[[Batches], Arrays], added: T.StructField
) -> DataFrame:
    """Return the rows with one more column, which Python workers compute from a few of the others.

    Only these columns are sent to the workers. Where most rows are kept, that halves the time of `map_in_arrow`, which
    sends every column there and back. Spark 4.0 lacks such functions; `map_in_arrow` is used there.

    Args:
        rows: Rows of any schema.
        columns: Names of the columns that are sent to the workers; at least two.
        function: Function that is called once per task; yields one array per batch.
        added: Name, which no column has yet, and type of the result.

    Raises:
        EnvironmentProblemError: A worker runs another version of this library than the driver.
    """
    if not hasattr(F, "arrow_udf"):
        return map_in_arrow(rows, _appended(columns, function, added.name), T.StructType([*rows.schema.fields, added]))
    checked = require_same_library(function)

    def of_arrays(arrays: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:  # read by Spark
        return checked(pa.record_batch(list(values), names=list(columns)) for values in arrays)

    compute = F.arrow_udf(of_arrays, added.dataType)
    # Spark calls a deterministic function once for every expression that uses its result.
    return rows.withColumn(added.name, compute.asNondeterministic()(*map(quoted, columns)))


def _appended(columns: Sequence[str], function: Callable[[Batches], Arrays], name: str) -> Callable[[Batches], Batches]:
    def append(batches: Batches) -> Batches:
        inputs, outputs = tee(batches)
        # The function comes first in `zip`, so that it runs to its end.
        for array, batch in zip(function(part.select(list(columns)) for part in inputs), outputs, strict=False):
            yield pa.record_batch([*batch.columns, array], names=[*batch.schema.names, name])

    return append
