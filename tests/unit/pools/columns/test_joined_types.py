"""Types that hold the values of several types."""

from __future__ import annotations

from itertools import permutations

import pytest
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.columns.joined_types import concrete, joined_of, joined_type, parquet_reads_as

BYTE, SHORT, INT, LONG = T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType()
FLOAT, DOUBLE, STRING, NULL, BINARY = T.FloatType(), T.DoubleType(), T.StringType(), T.NullType(), T.BinaryType()
LIST, LISTS = T.ArrayType(STRING), T.ArrayType(NULL)

JOINED = [
    (INT, LONG, LONG),
    (BYTE, SHORT, SHORT),
    (INT, DOUBLE, DOUBLE),
    (LONG, FLOAT, DOUBLE),
    (SHORT, FLOAT, FLOAT),
    (FLOAT, DOUBLE, DOUBLE),
    (NULL, STRING, STRING),
    (NULL, LIST, LIST),
    (LISTS, LIST, LIST),
    (LONG, T.DecimalType(20, 0), T.DecimalType(20, 0)),
    (T.DecimalType(9, 2), T.DecimalType(18, 5), T.DecimalType(18, 5)),
    (T.DecimalType(9, 2), DOUBLE, DOUBLE),
    (T.DateType(), T.TimestampType(), T.TimestampType()),
    (T.MapType(STRING, INT), T.MapType(STRING, LONG), T.MapType(STRING, LONG)),
    (INT, STRING, None),
    (LIST, STRING, None),
    (BINARY, STRING, None),
    (T.BooleanType(), INT, None),
    (T.DecimalType(38, 0), T.DecimalType(38, 10), None),
    (T.MapType(STRING, INT), T.MapType(INT, INT), None),
]


@pytest.mark.parametrize(("left", "right", "joined"), JOINED, ids=str)
def test_joined_type_in_either_order(left: T.DataType, right: T.DataType, joined: T.DataType | None) -> None:
    assert joined_type(left, right) == joined
    assert joined_type(right, left) == joined


def test_order_of_files_does_not_matter() -> None:
    kinds = [NULL, INT, FLOAT, LONG]
    assert {repr(joined_of(some)) for some in permutations(kinds)} == {repr(DOUBLE)}


def test_fields_of_structs_are_joined() -> None:
    left = T.StructType([T.StructField("a", INT), T.StructField("b", STRING)])
    right = T.StructType([T.StructField("a", LONG), T.StructField("c", NULL)])
    assert joined_type(left, right) == T.StructType(
        [T.StructField("a", LONG), T.StructField("b", STRING), T.StructField("c", NULL)]
    )
    assert joined_type(left, T.StructType([T.StructField("a", STRING)])) is None


@pytest.mark.parametrize(
    ("own", "target", "reads"),
    [
        (INT, LONG, True),
        (BYTE, DOUBLE, True),
        (FLOAT, DOUBLE, True),
        (NULL, LONG, True),
        (NULL, STRING, False),
        (LONG, DOUBLE, False),  # an unsigned 32-bit integer has this type too
        (LONG, INT, False),
        (T.ArrayType(INT), T.ArrayType(LONG), True),
        (LISTS, LIST, False),
    ],
    ids=str,
)
def test_pairs_that_the_parquet_reader_takes(own: T.DataType, target: T.DataType, *, reads: bool) -> None:
    assert parquet_reads_as(own, target) is reads


def test_null_types_alone_are_integers() -> None:
    assert concrete(T.MapType(NULL, T.StructType([T.StructField("a", LISTS)]))) == T.MapType(
        INT, T.StructType([T.StructField("a", T.ArrayType(INT))])
    )
