"""Types of Parquet columns as Spark reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.columns.parquet_types import ParquetColumn, parquet_columns, spark_type

if TYPE_CHECKING:
    from pathlib import Path

KINDS = [
    (pa.null(), T.NullType()),
    (pa.uint8(), T.ShortType()),
    (pa.uint16(), T.IntegerType()),
    (pa.uint32(), T.LongType()),
    (pa.uint64(), T.DecimalType(20, 0)),
    (pa.dictionary(pa.int32(), pa.large_string()), T.StringType()),
    (pa.binary(16), T.BinaryType()),
    (pa.timestamp("ms"), T.TimestampType()),
    (pa.timestamp("us", "UTC"), T.TimestampType()),
    (pa.large_list(pa.string()), T.ArrayType(T.StringType())),
    (pa.map_(pa.string(), pa.float32()), T.MapType(T.StringType(), T.FloatType())),
    (pa.struct([("a", pa.date32())]), T.StructType([T.StructField("a", T.DateType())])),
    (pa.float16(), None),
    (pa.time32("ms"), None),
    (pa.time64("us"), None),
    (pa.decimal256(60, 2), None),
    (pa.list_(pa.timestamp("ns")), None),
    (pa.struct([("a", pa.float16())]), None),
]


@pytest.mark.parametrize(("kind", "expected"), KINDS, ids=str)
def test_type_as_spark_reads_it(kind: pa.DataType, expected: T.DataType | None) -> None:
    assert spark_type(kind) == expected


def test_columns_of_a_footer(tmp_path: Path) -> None:
    """Nanoseconds are marked, but not those of INT96, which Spark reads; the JSON form keeps everything."""
    values = {"when": pa.array([1], pa.timestamp("ns")), "none": pa.nulls(1), "half": pa.nulls(1, pa.float16())}
    table = pa.table(values)
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.select(["when"]), tmp_path / "b.parquet", use_deprecated_int96_timestamps=True)
    columns = parquet_columns(pq.read_metadata(tmp_path / "a.parquet"))
    assert columns == {
        "when": ParquetColumn(T.TimestampType(), nanoseconds=True, described="timestamp[ns]"),
        "none": ParquetColumn(T.NullType(), nanoseconds=False, described="null"),
        "half": ParquetColumn(None, nanoseconds=False, described="halffloat"),
    }
    assert {name: ParquetColumn.from_json(column.to_json()) for name, column in columns.items()} == columns
    assert not parquet_columns(pq.read_metadata(tmp_path / "b.parquet"))["when"].nanoseconds
