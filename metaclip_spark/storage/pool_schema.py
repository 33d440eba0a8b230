"""Columns that a curated table cannot hold: found all at once, before any work, each with its remedy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import InputError
from metaclip_spark.storage.schemas import curated_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metaclip_spark.config import PoolColumns

# Delta stores these names only with column mapping, a table feature that older readers lack.
_REJECTED_CHARACTERS: Final = frozenset(" ,;{}()\n\t=")

# Types that Delta cannot store, or that do not cross to Python in Arrow form.
_REJECTED_TYPES: Final = (
    T.NullType,
    T.CalendarIntervalType,
    T.YearMonthIntervalType,
    T.DayTimeIntervalType,
    T.VariantType,
    T.UserDefinedType,
)


def meanings(columns: PoolColumns) -> dict[str, str]:
    """Canonical names by the pool's own, of the columns that have a meaning."""
    named = {columns.text: "text", columns.uid: "uid", columns.image_url: "image_url", columns.language: "language"}
    return {own: meaning for own, meaning in named.items() if own is not None}


def check_columns(schema: T.StructType, columns: PoolColumns, *, where: str) -> None:
    """Refuse columns whose name or type the curated table cannot hold.

    Args:
        schema: the pool's own schema.
        columns: what its columns mean.
        where: the pool, for the message.

    Raises:
        InputError: all problems at once, each with a new name or another remedy.
    """
    carried = T.StructType([field for field in schema.fields if field.name not in meanings(columns)])
    problems = [*_clashes(carried), *_bad_fields(carried)]
    if problems:
        raise InputError(
            f"{len(problems)} column(s) of {where} do not fit into the curated table: {'; '.join(problems)}. "
            "Rename or drop them in the pool"
        )


def _clashes(carried: T.StructType) -> Iterator[str]:
    """Carried columns whose names are taken: Delta compares names without case."""
    ours = {
        name.casefold(): name for name in [*curated_schema([], with_image_id=True).names, "text", "uid", "image_url"]
    }
    times = Counter(name.casefold() for name in carried.names)
    for name in carried.names:
        if name.casefold() in ours:
            mapped = {"text", "uid", "image_url", "language"}
            hint = f" or map it as {ours[name.casefold()]}" if ours[name.casefold()] in mapped else ""
            yield f"{name!r} is a name of the curated table's own: rename it, say to {'pool_' + name!r}{hint}"
        elif "." in name or "`" in name:  # pyspark takes them for a path into a struct where it sends rows to Python
            yield f"{name!r} holds a dot or a backtick: rename it, say to {name.replace('.', '_').replace('`', '_')!r}"
        elif times[name.casefold()] > 1:
            yield f"{name!r} differs from another column in case only: rename it, say to {name + '_2'!r}"


def _bad_fields(schema: T.StructType, path: str = "") -> Iterator[str]:
    for field in schema.fields:
        name = f"{path}{field.name}"
        bad = sorted(_REJECTED_CHARACTERS & set(field.name))
        if bad or not field.name:
            offered = "".join("_" if character in _REJECTED_CHARACTERS else character for character in field.name)
            yield f"{name!r} holds {''.join(bad)!r}, which Delta rejects: rename it, say to {offered or 'unnamed'!r}"
        yield from _bad_type(field.dataType, name)


def _bad_type(kind: T.DataType, name: str) -> Iterator[str]:
    if isinstance(kind, T.TimestampNTZType):  # a table feature that older readers lack
        yield (
            f"{name!r} is a timestamp without time zone, which makes the Delta table unreadable for older readers: "
            "cast it to timestamp, or read Parquet with spark.sql.parquet.inferTimestampNTZ.enabled=false"
        )
    if isinstance(kind, _REJECTED_TYPES):
        yield f"{name!r} is of type {kind.simpleString()}, which cannot be carried: cast it, say to string"
    elif isinstance(kind, T.StructType):
        yield from _bad_fields(kind, f"{name}.")
    elif isinstance(kind, T.ArrayType):
        yield from _bad_type(kind.elementType, f"{name}.element")
    elif isinstance(kind, T.MapType):
        yield from _bad_type(kind.keyType, f"{name}.key")
        yield from _bad_type(kind.valueType, f"{name}.value")
