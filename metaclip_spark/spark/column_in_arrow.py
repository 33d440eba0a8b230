"""One more column, computed by Python workers from a few of the others, which alone go there and come back."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - Spark looks at the types of its functions
from itertools import tee
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.library import for_this_library, map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame

    Batches = Iterator[pa.RecordBatch]
    Arrays = Iterator[pa.Array]


def column_in_arrow(
    rows: DataFrame, columns: Sequence[str], function: Callable[[Batches], Arrays], added: T.StructField
) -> DataFrame:
    """Rows with a column more.

    Where most rows stay, that is half of the time of `map_in_arrow`, by which all columns go to the worker and back.
    Spark 4.0 has no such functions; there they do.

    Args:
        rows: of any columns.
        columns: names of those that go to the workers, two or more.
        function: of one task: batches of these columns in, an array for each of them out.
        added: name, which no column has, and type of the result.

    Raises:
        EnvironmentProblemError: on a worker that runs another version of this library than the driver.
    """
    if not hasattr(F, "arrow_udf"):
        return map_in_arrow(rows, _appended(columns, function, added.name), T.StructType([*rows.schema.fields, added]))
    sealed = for_this_library(function)

    def of_arrays(arrays: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:  # Spark goes by these types
        return sealed(pa.record_batch(list(values), names=list(columns)) for values in arrays)

    compute = F.arrow_udf(of_arrays, added.dataType)
    # Of a deterministic function Spark makes a call for every expression that uses its result.
    return rows.withColumn(added.name, compute.asNondeterministic()(*map(quoted, columns)))


def _appended(columns: Sequence[str], function: Callable[[Batches], Arrays], name: str) -> Callable[[Batches], Batches]:
    def append(batches: Batches) -> Batches:
        inputs, whole = tee(batches)
        # The function comes first, so that it is run to its end.
        for array, batch in zip(function(part.select(list(columns)) for part in inputs), whole, strict=False):
            yield pa.record_batch([*batch.columns, array], names=[*batch.schema.names, name])

    return append
