"""Tables whose columns differ in type, with one type for each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.pools.columns.casts import cast_column, type_problems
from metaclip_spark.pools.columns.joined_types import joined_of
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from metaclip_spark.config.pool import Pool


def joined_tables(tables: Sequence[DataFrame], places: Sequence[str], pool: Pool) -> list[DataFrame]:
    """Return the tables with every column in the type that holds the values of all of them.

    Args:
        tables: Tables after the changes of the pool.
        places: Their places, for error messages.
        pool: Pool with its default columns.

    Raises:
        InputError: Columns have no such type; all of them are listed.
    """
    if len(tables) == 1:
        return list(tables)
    kinds: dict[str, dict[str, tuple[T.DataType, str, str]]] = {}
    for table, place in zip(tables, places, strict=True):
        for field in table.schema.fields:
            found = kinds.setdefault(field.name.casefold(), {})
            found.setdefault(field.dataType.simpleString(), (field.dataType, place, field.name))
    old_names = {new: old for old, new in pool.renamed().items()}
    targets: dict[str, T.DataType] = {}
    problems: dict[str, tuple[str, T.DataType | None]] = {}
    for folded, found in kinds.items():
        types = [kind for kind, _, _ in found.values()]
        joined = joined_of(types)
        if joined is None:
            name = next(iter(found.values()))[2]
            lists = [kind for kind in types if isinstance(kind, T.ArrayType)]
            text = ", ".join(f"{kind} in {place}" for kind, (_, place, _) in found.items())
            problems[old_names.get(name, name)] = (f"{name!r} is {text}", lists[0] if lists else T.StringType())
        else:
            targets[folded] = joined
    if problems:
        raise type_problems(pool, problems)
    return [with_types(table, targets) for table in tables]


def with_types(table: DataFrame, kinds: Mapping[str, T.DataType]) -> DataFrame:
    """Return a table with its columns cast to the types that are given by case-folded name."""
    changed = {
        field.name: cast_column(quoted(field.name), field.dataType, kinds[field.name.casefold()])
        for field in table.schema.fields
        if kinds.get(field.name.casefold(), field.dataType) != field.dataType
    }
    return table.withColumns(changed) if changed else table
