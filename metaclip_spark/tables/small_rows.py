"""Small DataFrames made from rows on the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

_ARROW_ROWS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_PLAIN: Final = {
    T.StringType: pa.string(),
    T.IntegerType: pa.int32(),
    T.LongType: pa.int64(),
    T.DoubleType: pa.float64(),
    T.TimestampType: pa.timestamp("us", "UTC"),
}


def create_dataframe(
    spark: SparkSession, rows: pa.Table | Sequence[tuple[Any, ...]], schema: T.StructType
) -> DataFrame:
    """Return rows, given as a pyarrow table or as tuples, as a DataFrame."""
    # Spark documents 0 as no limit, but pyspark then cuts an Arrow table into batches of no rows, and fails.
    unlimited = int(spark.conf.get(_ARROW_ROWS) or 0) <= 0
    if unlimited and isinstance(rows, pa.Table):
        rows = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    elif not unlimited and not isinstance(rows, pa.Table):  # tuples take a tenth of a second longer than Arrow
        rows = in_arrow(rows, schema)
    return spark.createDataFrame(rows, schema)  # type: ignore[no-any-return, call-overload, unused-ignore]  # accepts a pyarrow table


def in_arrow(rows: Sequence[Sequence[Any]], schema: T.StructType) -> pa.Table:
    """Return rows as an Arrow table, in the schema's order.

    >>> counters = T.MapType(T.StringType(), T.LongType())
    >>> schema = T.StructType().add("run_id", "string").add("counters", counters).add("at", "timestamp")
    >>> in_arrow([("a", {"rows": 1}, None)], schema)
    pyarrow.Table
    run_id: string
    counters: map<string, int64>
      child 0, entries: struct<key: string not null, value: int64> not null
          child 0, key: string not null
          child 1, value: int64
    at: timestamp[us, tz=UTC]
    ----
    run_id: [["a"]]
    counters: [[keys:["rows"]values:[1]]]
    at: [[null]]
    """
    columns = {}
    for place, field in enumerate(schema):
        values = [row[place] for row in rows]
        if isinstance(field.dataType, T.MapType):  # pyarrow takes maps as pairs
            values = [value if value is None else list(value.items()) for value in values]
        columns[field.name] = pa.array(values, _arrow_type(field.dataType))
    return pa.table(columns)


def _arrow_type(kind: T.DataType) -> pa.DataType:
    if isinstance(kind, T.MapType):
        return pa.map_(_arrow_type(kind.keyType), _arrow_type(kind.valueType))
    if isinstance(kind, T.ArrayType):
        return pa.list_(_arrow_type(kind.elementType))
    return _PLAIN[type(kind)]
