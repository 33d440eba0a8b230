"""A pool's columns against what is asked of them: all problems at once, before any work, each with its remedy."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import ColumnNotFoundError, InputError
from metaclip_spark.pools.presets import fitting_presets
from metaclip_spark.spark.locations import nearest
from metaclip_spark.tables.schemas import curated_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metaclip_spark.config.pool import Pool, PoolColumns

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


_TEXT: Final = (T.StringType, T.BinaryType)
_UID: Final = (T.StringType, T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_STRING: Final = (T.StringType,)
_ALLOWED: Final = {"text": _TEXT, "uid": _UID, "image_url": _STRING, "language": _STRING}

# Names that carried columns may not have, by their folded form: Delta compares names without case.
_OURS: Final = {
    name.casefold(): name for name in [*curated_schema([], with_image_id=True).names, "text", "uid", "image_url"]
}


class _Problem(NamedTuple):
    """Why a column does not fit.

    Attributes:
        column: of the pool, the outermost one.
        text: for people.
        renamed: whether another name helps.
    """

    column: str
    text: str
    renamed: bool


def meanings(columns: PoolColumns) -> dict[str, str]:
    """Canonical names by the pool's own, of the columns that have a meaning."""
    named = {columns.text: "text", columns.uid: "uid", columns.image_url: "image_url", columns.language: "language"}
    return {own: meaning for own, meaning in named.items() if own is not None}


def check_meanings(schema: T.StructType, pool: Pool, *, where: str) -> None:
    """Refuse a pool that lacks a named column, or has it with a type that cannot mean what it should."""
    for name, meaning in meanings(pool.columns).items():
        if name not in schema.names:
            raise ColumnNotFoundError(
                f"the pool {where} has no column {name!r} for {meaning} (it has {', '.join(schema.names)}): "
                f"{_hint(name, schema, pool)}Name the column that holds it"
            )
        kind = schema[name].dataType
        if not isinstance(kind, _ALLOWED[meaning]):
            allowed = " or ".join(sorted(allowed().simpleString() for allowed in _ALLOWED[meaning]))
            declare = f", say by --schema with {name} string" if pool.format == "json" else ""
            raise InputError(
                f"column {name!r} of {where} is of type {kind.simpleString()}, but {meaning} has to be "
                f"{allowed}: name another column, or cast this one{declare}"
            )


def check_changes(pool: Pool, tables: Sequence[Sequence[str]]) -> None:
    """Refuse to rename or drop a column that no table has."""
    names = {name: None for table in tables for name in table}
    for asked in (*pool.renamed(), *pool.drop):
        if asked not in names:
            near = nearest(asked, names)
            raise ColumnNotFoundError(
                f"there is no column {asked!r} to be renamed or dropped in {', '.join(pool.paths)} (it has "
                f"{', '.join(names)})" + (f": did you mean {near!r}?" if near else "")
            )


def check_columns(schema: T.StructType, pool: Pool, *, where: str) -> None:
    """Refuse columns whose name or type the curated table cannot hold.

    Args:
        schema: the pool's schema, its columns renamed and dropped as asked.
        pool: what its columns mean, and which have been renamed.
        where: the pool, for the message.

    Raises:
        InputError: all problems at once, each with a new name or another remedy, and the options that do it.
    """
    carried = T.StructType([field for field in schema.fields if field.name not in meanings(pool.columns)])
    problems = [*_clashes(carried), *_bad_fields(carried)]
    if problems:
        raise InputError(
            f"{len(problems)} column(s) of {where} do not fit into the curated table: "
            f"{'; '.join(problem.text for problem in problems)}. Rename or drop them, in the pool or with "
            f"{_options(problems, carried, pool)}"
        )


def refuse_other_types(schemas: Sequence[T.StructType], places: Sequence[str]) -> None:
    """Refuse tables that have a column of one name with several types: their rows go into one table.

    Raises:
        InputError: all such columns.
    """
    kinds: dict[str, dict[str, str]] = {}
    for schema, place in zip(schemas, places, strict=True):
        for field in schema.fields:
            kinds.setdefault(field.name.casefold(), {}).setdefault(field.dataType.simpleString(), place)
    several = [
        f"{name!r} is " + ", ".join(f"{kind} in {place}" for kind, place in found.items())
        for name, found in kinds.items()
        if len(found) > 1
    ]
    if several:
        raise InputError(f"{len(several)} column(s) differ in type: {'; '.join(several)}. Cast, rename or drop them")


def _hint(name: str, schema: T.StructType, pool: Pool) -> str:
    """What may have been meant: a column of a near name, a kind of pool, files without a header."""
    hints = []
    near = nearest(name, schema.names)
    if near:
        hints.append(f"did you mean {near!r}? ")
    fitting = fitting_presets(schema.names)
    if fitting:
        hints.append(f"The columns are those of {' or '.join(f'--preset {preset}' for preset in fitting)}. ")
    links = [place for place, column in enumerate(schema.names) if column.startswith(("http://", "https://"))]
    if pool.has_header and links:
        kind = {0: ", or --preset cc12m", 1: ", or --preset cc3m"}.get(links[0], "")
        known = kind if pool.format == "tsv" and len(schema.names) == 2 else ""  # noqa: PLR2004 - a caption and a URL
        hints.append(f"The first line looks like a row, not like a header: pass --no-header with --schema{known}. ")
    return "".join(hints)


def _options(problems: Sequence[_Problem], carried: T.StructType, pool: Pool) -> str:
    """The options that solve all problems, as they are typed."""
    before = {new: old for old, new in pool.renamed().items()}
    solved = {problem.column: True for problem in problems}
    for problem in problems:
        solved[problem.column] &= problem.renamed
    taken = {name.casefold() for name in carried.names} | {name.casefold() for name in meanings(pool.columns)}
    options = []
    for name, by_renaming in solved.items():
        own = before.get(name, name)
        if by_renaming:
            new = _free_name(name, taken)
            taken.add(new.casefold())
            options.append(f"--rename {shlex.quote(f'{own}={new}')}")
        else:
            options.append(f"--drop {shlex.quote(own)}")
    return " ".join(options)


def _free_name(name: str, taken: set[str]) -> str:
    """A name like the given one that is free and that Delta takes."""
    plain = "".join("_" if character in _REJECTED_CHARACTERS or character in ".`" else character for character in name)
    plain = f"pool_{plain}" if plain.casefold() in _OURS else plain or "unnamed"
    free, number = plain, 2
    while free.casefold() in _OURS or free.casefold() in taken - {name.casefold()} or free == name:
        free, number = f"{plain}_{number}", number + 1
    return free


def _clashes(carried: T.StructType) -> Iterator[_Problem]:
    """Carried columns whose names are taken."""
    times = Counter(name.casefold() for name in carried.names)
    for name in carried.names:
        if name.casefold() in _OURS:
            mapped = {"text", "uid", "image_url", "language"}
            ours = _OURS[name.casefold()]
            hint = f" or map it as {ours}" if ours in mapped else ""
            text = f"{name!r} is a name of the curated table's own: rename it, say to {'pool_' + name!r}{hint}"
        elif "." in name or "`" in name:  # pyspark takes them for a path into a struct where it sends rows to Python
            text = f"{name!r} holds a dot or a backtick: rename it, say to {name.replace('.', '_').replace('`', '_')!r}"
        elif times[name.casefold()] > 1:
            text = f"{name!r} differs from another column in case only: rename it, say to {name + '_2'!r}"
        else:
            continue
        yield _Problem(name, text, renamed=True)


def _bad_fields(schema: T.StructType, path: str = "", outermost: str | None = None) -> Iterator[_Problem]:
    for field in schema.fields:
        name = f"{path}{field.name}"
        bad = sorted(_REJECTED_CHARACTERS & set(field.name))
        if bad or not field.name:
            offered = "".join("_" if character in _REJECTED_CHARACTERS else character for character in field.name)
            text = f"{name!r} holds {''.join(bad)!r}, which Delta rejects: rename it, say to {offered or 'unnamed'!r}"
            yield _Problem(outermost or field.name, text, renamed=outermost is None)
        yield from _bad_type(field.dataType, name, field.name if outermost is None else outermost)


def _bad_type(kind: T.DataType, name: str, outermost: str) -> Iterator[_Problem]:
    if isinstance(kind, T.TimestampNTZType):  # a table feature that older readers lack
        text = (
            f"{name!r} is a timestamp without time zone, which makes the Delta table unreadable for older readers: "
            "cast it to timestamp, or read Parquet with spark.sql.parquet.inferTimestampNTZ.enabled=false"
        )
        yield _Problem(outermost, text, renamed=False)
    if isinstance(kind, _REJECTED_TYPES):
        text = f"{name!r} is of type {kind.simpleString()}, which cannot be carried: cast it, say to string"
        yield _Problem(outermost, text, renamed=False)
    elif isinstance(kind, T.StructType):
        yield from _bad_fields(kind, f"{name}.", outermost)
    elif isinstance(kind, T.ArrayType):
        yield from _bad_type(kind.elementType, f"{name}.element", outermost)
    elif isinstance(kind, T.MapType):
        yield from _bad_type(kind.keyType, f"{name}.key", outermost)
        yield from _bad_type(kind.valueType, f"{name}.value", outermost)
