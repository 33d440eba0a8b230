"""Types of the columns of a Parquet file as Spark reads them, from the file's footer alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyarrow.parquet import FileMetaData

_MAX_PRECISION: Final = 38

_SCALARS: Final[tuple[tuple[Callable[[pa.DataType], bool], T.DataType], ...]] = (
    (pa.types.is_null, T.NullType()),
    (pa.types.is_boolean, T.BooleanType()),
    (pa.types.is_int8, T.ByteType()),
    (pa.types.is_int16, T.ShortType()),
    (pa.types.is_uint8, T.ShortType()),
    (pa.types.is_int32, T.IntegerType()),
    (pa.types.is_uint16, T.IntegerType()),
    (pa.types.is_int64, T.LongType()),
    (pa.types.is_uint32, T.LongType()),
    (pa.types.is_duration, T.LongType()),
    (pa.types.is_uint64, T.DecimalType(20, 0)),
    (pa.types.is_float32, T.FloatType()),
    (pa.types.is_float64, T.DoubleType()),
    (pa.types.is_string, T.StringType()),
    (pa.types.is_large_string, T.StringType()),
    (pa.types.is_string_view, T.StringType()),
    (pa.types.is_binary, T.BinaryType()),
    (pa.types.is_large_binary, T.BinaryType()),
    (pa.types.is_binary_view, T.BinaryType()),
    (pa.types.is_fixed_size_binary, T.BinaryType()),
    (pa.types.is_date, T.DateType()),
)


@dataclass(frozen=True)
class ParquetColumn:
    """A column of a file.

    Attributes:
        kind: Type as Spark reads it; None if Spark cannot read it.
        nanoseconds: Whether it is a timestamp in nanoseconds, which Spark reads only as integers.
        described: The file's own name of the type, for messages.
    """

    kind: T.DataType | None
    nanoseconds: bool
    described: str

    def to_json(self) -> list[Any]:
        """Return the column as values that JSON can hold."""
        return [None if self.kind is None else self.kind.jsonValue(), self.nanoseconds, self.described]

    @classmethod
    def from_json(cls, value: list[Any]) -> ParquetColumn:
        """Return the column from the values of `to_json`."""
        struct = {"type": "struct", "fields": [{"name": "c", "type": value[0], "nullable": True, "metadata": {}}]}
        kind = None if value[0] is None else T.StructType.fromJson(struct)["c"].dataType
        return cls(kind, bool(value[1]), str(value[2]))


def parquet_columns(footer: FileMetaData) -> dict[str, ParquetColumn]:
    """Return the columns of a file by name."""
    leaves = [footer.schema.column(place) for place in range(footer.num_columns)]
    legacy = {leaf.path.partition(".")[0] for leaf in leaves if leaf.physical_type == "INT96"}
    return {field.name: _column(field.type, is_int96=field.name in legacy) for field in footer.schema.to_arrow_schema()}


def _column(kind: pa.DataType, *, is_int96: bool) -> ParquetColumn:
    described = str(kind)
    if pa.types.is_timestamp(kind) and kind.unit == "ns" and not is_int96:
        return ParquetColumn(T.TimestampType(), nanoseconds=True, described=described)
    return ParquetColumn(spark_type(kind, is_int96=is_int96), nanoseconds=False, described=described)


def spark_type(kind: pa.DataType, *, is_int96: bool = False) -> T.DataType | None:
    """Return the type as which Spark reads a type of Parquet; None if it cannot.

    Args:
        kind: Type as Arrow reads it.
        is_int96: Whether timestamps are stored as INT96, which Spark reads though they count nanoseconds.

    >>> spark_type(pa.list_(pa.large_string())), spark_type(pa.float16())
    (ArrayType(StringType(), True), None)
    """
    if isinstance(kind, pa.BaseExtensionType):
        return spark_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return spark_type(kind.value_type, is_int96=is_int96)
    if pa.types.is_timestamp(kind):  # without a time zone they are taken as UTC
        return T.TimestampType() if kind.unit != "ns" or is_int96 else None
    if pa.types.is_decimal(kind):
        return (
            T.DecimalType(kind.precision, kind.scale) if kind.scale >= 0 and kind.precision <= _MAX_PRECISION else None
        )
    if pa.types.is_nested(kind):
        return _nested(kind, is_int96=is_int96)
    return next((spark for fits, spark in _SCALARS if fits(kind)), None)


def _nested(kind: pa.DataType, *, is_int96: bool) -> T.DataType | None:
    if pa.types.is_struct(kind):
        fields = [(field.name, spark_type(field.type, is_int96=is_int96)) for field in kind]
        found = [T.StructField(name, inner) for name, inner in fields if inner is not None]
        return T.StructType(found) if len(found) == len(fields) else None
    if pa.types.is_map(kind):
        key, value = (spark_type(inner, is_int96=is_int96) for inner in (kind.key_type, kind.item_type))
        return None if key is None or value is None else T.MapType(key, value)
    element = spark_type(kind.value_type, is_int96=is_int96) if hasattr(kind, "value_type") else None
    return None if element is None else T.ArrayType(element)
