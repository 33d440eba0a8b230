"""Rows of several pools with the same columns: those of one table, in its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.columns.casts import cast_column
from metaclip_spark.pools.columns.joined_types import joined_type
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame


def aligned_rows(rows: DataFrame, fields: Sequence[T.StructField]) -> DataFrame:
    """Return rows with their columns in the types of a table, and null in the columns that they lack.

    Args:
        rows: Rows with canonical names.
        fields: Columns of the table that come from pools, in order. Other columns of the rows follow them.
    """
    names = {field.name for field in fields}
    present = {field.name: field.dataType for field in rows.schema.fields}
    if list(present)[: len(fields)] == [field.name for field in fields] and all(
        present[field.name] == field.dataType for field in fields
    ):
        return rows
    columns = []
    for field in fields:
        if field.name in present:
            value = cast_column(quoted(field.name), present[field.name], field.dataType)
            value = value if present[field.name] != field.dataType else quoted(field.name)
            metadata = rows.schema[field.name].metadata
        else:
            value, metadata = F.lit(None).cast(field.dataType), field.metadata
        columns.append(value.alias(field.name, metadata=metadata))
    return rows.select(*columns, *(quoted(name) for name in present if name not in names))


def columns_of_all(schemas: Sequence[T.StructType]) -> list[T.StructField]:
    """Return the columns of pools that were appended to each other, without the language, in types for all of them.

    Integers that cannot be joined with another type are null in every row, or the pool would not have been appended.
    """
    fields: dict[str, T.StructField] = {}
    for field in (field for schema in schemas for field in schema.fields if field.name != "language"):
        before = fields.setdefault(field.name, field).dataType
        joined = joined_type(before, field.dataType)
        if joined is None:
            joined = field.dataType if isinstance(before, T.IntegerType) else before
        fields[field.name] = T.StructField(field.name, joined, metadata=fields[field.name].metadata)
    return list(fields.values())


def columns_without_values(rows: DataFrame, names: Sequence[str]) -> set[str]:
    """Return the integer columns that are null in every row: Spark reads a column of Parquet's null type as such.

    Args:
        rows: Rows of a pool or a table, which are read for these columns.
        names: Columns to look at.
    """
    integers = [name for name in names if isinstance(rows.schema[name].dataType, T.IntegerType)]
    if not integers:
        return set()
    found = rows.agg(*(F.count(quoted(name)).alias(name) for name in integers)).collect()[0]
    return {name for name in integers if found[name] == 0}
