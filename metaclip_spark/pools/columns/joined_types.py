"""The type that holds the values of several types, by Spark's own rules of widening, without strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTEGERS: Final = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_DIGITS: Final[dict[type[T.DataType], int]] = {T.ByteType: 3, T.ShortType: 5, T.IntegerType: 10, T.LongType: 20}
_SMALL_INTEGERS: Final = (T.ByteType, T.ShortType)
_FRACTIONS: Final = (T.FloatType, T.DoubleType)
_TIMES: Final = (T.DateType, T.TimestampNTZType, T.TimestampType)
_MAX_PRECISION: Final = 38


def joined_type(left: T.DataType, right: T.DataType) -> T.DataType | None:
    """Return the type to which both types can be widened without loss of meaning; None if there is none.

    Nothing is widened to a string: where some files have numbers and some have texts, one of them is wrong.

    >>> joined_type(T.IntegerType(), T.DoubleType()), joined_type(T.NullType(), T.StringType())
    (DoubleType(), StringType())
    >>> joined_type(T.LongType(), T.StringType()) is None
    True
    """
    if left == right or isinstance(right, T.NullType):
        return left
    if isinstance(left, T.NullType):
        return right
    if isinstance(left, _TIMES) and isinstance(right, _TIMES):
        return max(left, right, key=lambda kind: _TIMES.index(type(kind)))
    return _joined_nested(left, right) or _joined_numbers(left, right)


def joined_of(kinds: Iterable[T.DataType]) -> T.DataType | None:
    """Return the type to which all types can be widened; None if there is none."""
    joined: T.DataType | None = T.NullType()
    for kind in kinds:
        joined = None if joined is None else joined_type(joined, kind)
    return joined


def _joined_nested(left: T.DataType, right: T.DataType) -> T.DataType | None:
    if isinstance(left, T.ArrayType) and isinstance(right, T.ArrayType):
        element = joined_type(left.elementType, right.elementType)
        return None if element is None else T.ArrayType(element)
    if isinstance(left, T.MapType) and isinstance(right, T.MapType):
        value = joined_type(left.valueType, right.valueType)
        return T.MapType(left.keyType, value) if value is not None and left.keyType == right.keyType else None
    if isinstance(left, T.StructType) and isinstance(right, T.StructType):
        return joined_structs(left, right)
    return None


def joined_structs(left: T.StructType, right: T.StructType) -> T.StructType | None:
    """Return the fields of both, each with the joined type; None if one of them has none."""
    fields = {field.name: field.dataType for field in left.fields}
    for field in right.fields:
        joined = joined_type(fields.get(field.name, field.dataType), field.dataType)
        if joined is None:
            return None
        fields[field.name] = joined
    return T.StructType([T.StructField(name, kind) for name, kind in fields.items()])


def parquet_reads_as(own: T.DataType, target: T.DataType) -> bool:
    """Return whether Spark's Parquet reader gives values of one type as another, so that no cast is needed.

    These are the pairs that both of Spark's readers take, the vectorised one and the other; a column that the file
    lacks is null in any type. Long integers are not read as doubles: an unsigned 32-bit integer would be read wrongly.
    """
    if own == target:
        return True
    if isinstance(own, T.NullType):  # stored as an integer
        return isinstance(target, (T.IntegerType, T.LongType, T.DoubleType))
    if isinstance(own, (T.ByteType, T.ShortType, T.IntegerType)):
        wider = isinstance(target, _INTEGERS) and _INTEGERS.index(type(own)) < _INTEGERS.index(type(target))
        return wider or isinstance(target, T.DoubleType)
    if isinstance(own, T.ArrayType) and isinstance(target, T.ArrayType):
        return parquet_reads_as(own.elementType, target.elementType)
    if isinstance(own, T.StructType) and isinstance(target, T.StructType):
        kinds = {field.name: field.dataType for field in target.fields}
        return all(parquet_reads_as(field.dataType, kinds[field.name]) for field in own.fields if field.name in kinds)
    return isinstance(own, T.FloatType) and isinstance(target, T.DoubleType)


def concrete(kind: T.DataType) -> T.DataType:
    """Return the type with integers, as which Spark reads Parquet's null type, wherever nothing else is known.

    >>> concrete(T.ArrayType(T.NullType()))
    ArrayType(IntegerType(), True)
    """
    if isinstance(kind, T.NullType):
        return T.IntegerType()
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(concrete(kind.elementType))
    if isinstance(kind, T.MapType):
        return T.MapType(concrete(kind.keyType), concrete(kind.valueType))
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(field.name, concrete(field.dataType)) for field in kind.fields])
    return kind


def _joined_numbers(left: T.DataType, right: T.DataType) -> T.DataType | None:
    numbers = (*_INTEGERS, *_FRACTIONS, T.DecimalType)
    if not isinstance(left, numbers) or not isinstance(right, numbers):
        return None
    if isinstance(left, _INTEGERS) and isinstance(right, _INTEGERS):
        return max(left, right, key=lambda kind: _INTEGERS.index(type(kind)))
    if isinstance(left, _FRACTIONS) or isinstance(right, _FRACTIONS):
        exact = (T.FloatType, *_SMALL_INTEGERS)
        return T.FloatType() if isinstance(left, exact) and isinstance(right, exact) else T.DoubleType()
    (whole, scale), (other_whole, other_scale) = _digits(left), _digits(right)
    scale, precision = max(scale, other_scale), max(whole, other_whole) + max(scale, other_scale)
    return T.DecimalType(precision, scale) if precision <= _MAX_PRECISION else None


def _digits(kind: T.DataType) -> tuple[int, int]:
    """Return the digits before and after the point."""
    if isinstance(kind, T.DecimalType):
        return kind.precision - kind.scale, kind.scale
    return _DIGITS[type(kind)], 0
