"""Checks of a pool's columns before any work: all problems at once, each with its remedy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError
from metaclip_spark.pools.canonical_columns import CANONICAL_NAMES, meanings
from metaclip_spark.pools.presets import fitting_presets
from metaclip_spark.spark.locations import nearest
from metaclip_spark.tables.schemas import curated_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metaclip_spark.config.pool import Pool

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
_UID: Final = (
    T.StringType, T.BinaryType, T.DecimalType, T.ByteType, T.ShortType, T.IntegerType, T.LongType
)  # fmt: skip
_STRING: Final = (T.StringType,)
_ALLOWED: Final = {"text": _TEXT, "uid": _UID, "image_url": _STRING, "language": _STRING}
_OPTIONS: Final = {
    "text": "text-column", "uid": "id-column", "image_url": "url-column", "language": "language-column"
}  # fmt: skip

# Names that carried columns cannot have, by their folded form: Delta ignores case when it compares names.
_RESERVED: Final = {name.casefold(): name for name in [*curated_schema([], with_image_id=True).names, *CANONICAL_NAMES]}


class _Problem(NamedTuple):
    """A column that does not fit into the curated table.

    Attributes:
        column: Outermost column in the pool.
        text: Human-readable description.
        renaming_helps: Whether another name solves it.
    """

    column: str
    text: str
    renaming_helps: bool


def check_meanings(schema: T.StructType, pool: Pool, *, where: str) -> None:
    """Raise if a pool lacks a column with a meaning, or if the column's type does not suit the meaning.

    Args:
        schema: Schema of the pool.
        pool: Pool with its default columns.
        where: Description of the pool, for error messages.

    Raises:
        ColumnNotFoundError: A named column is absent.
        InputError: A column has the wrong type.
        ConfigError: No column gives the rows an id.
    """
    for name, meaning in meanings(pool.columns).items():
        if name not in schema.names:
            raise ColumnNotFoundError(
                f"The pool {where} has no column {name!r} for {meaning} (its columns: {', '.join(schema.names)}). "
                f"{_hint(name, schema, pool)}Name the column that contains it (--{_OPTIONS[meaning]})."
            )
        kind = schema[name].dataType
        single = kind.elementType if meaning == "text" and isinstance(kind, T.ArrayType) else kind
        if not isinstance(single, _ALLOWED[meaning]):
            raise InputError(
                f"Column {name!r} of {where} has type {kind.simpleString()}, but {meaning} must be "
                f"{_allowed(meaning)}. {_remedy_of_meaning(name, meaning, kind)}"
            )
    if pool.columns.uid is None and pool.columns.image_url is None:
        raise ConfigError(
            f"The rows of the pool {where} have no id: neither an id column nor a URL column is named, and no column "
            f"is called uid or image_url (its columns: {', '.join(schema.names)}). {_preset_hint(schema)}Name the id "
            "column (--id-column), or the URL column (--url-column), from which ids are derived."
        )


def _allowed(meaning: str) -> str:
    names = sorted({allowed.typeName() for allowed in _ALLOWED[meaning]})
    return " or ".join(names) + (", or a list of one of these" if meaning == "text" else "")


def _remedy_of_meaning(name: str, meaning: str, kind: T.DataType) -> str:
    drop = f", drop it (--drop {shell_word(name)})" if name == meaning != "text" else ""
    is_list = meaning == "text" and isinstance(kind, T.ArrayType)
    target = "array<string>" if is_list else "string"
    single = kind.elementType if is_list and isinstance(kind, T.ArrayType) else kind
    nested = isinstance(single, (T.ArrayType, T.MapType, T.StructType))
    cast = "" if nested else f", or cast this one (--cast {shell_word(f'{name}={target}')})"
    return f"Name another column (--{_OPTIONS[meaning]}){drop}{cast}."


def check_changes(pool: Pool, tables: Sequence[Sequence[str]]) -> None:
    """Raise if a column to be renamed, dropped or cast is in no table.

    Args:
        pool: Pool with the changes.
        tables: Column names of each table.
    """
    names = {name: None for table in tables for name in table}
    for changed in (*pool.renamed(), *pool.drop, *pool.casts()):
        if changed not in names:
            near = nearest(changed, names)
            raise ColumnNotFoundError(
                f"Column {changed!r}, which is to be renamed, dropped or cast, is not in {', '.join(pool.paths)} "
                f"(columns: {', '.join(names)})." + (f" Did you mean {near!r}?" if near else "")
            )


def check_carried_columns(schema: T.StructType, pool: Pool, *, where: str) -> None:
    """Raise if the curated table cannot have a carried column of this name or type.

    Args:
        schema: Schema of the pool after the changes.
        pool: Pool with its default columns.
        where: Description of the pool, for error messages.

    Raises:
        InputError: All problems at once, each with a new name or another remedy, and the options that solve them.
    """
    carried = T.StructType([field for field in schema.fields if field.name not in meanings(pool.columns)])
    problems = [*_clashes(carried), *_invalid_fields(carried)]
    if problems:
        raise InputError(
            f"{len(problems)} column(s) of {where} do not fit into the curated table: "
            f"{'; '.join(problem.text for problem in problems)}. Rename or drop them, in the pool or with "
            f"{_remedy_options(problems, carried, pool)}"
        )


def _hint(name: str, schema: T.StructType, pool: Pool) -> str:
    """Return a hint at what may have been meant: a similar column name, a preset, or files without a header."""
    hints = []
    near = nearest(name, schema.names)
    if near:
        hints.append(f"Did you mean {near!r}? ")
    hints.append(_preset_hint(schema))
    links = [place for place, column in enumerate(schema.names) if column.startswith(("http://", "https://"))]
    if pool.has_header and links:
        preset = {0: ", or --preset cc12m", 1: ", or --preset cc3m"}.get(links[0], "")
        known = preset if pool.format == "tsv" and len(schema.names) == 2 else ""  # noqa: PLR2004 - a caption and a URL
        hints.append(f"The first line appears to be a row, not a header: pass --no-header with --schema{known}. ")
    return "".join(hints)


def _preset_hint(schema: T.StructType) -> str:
    fitting = fitting_presets(schema.names)
    return f"The columns are those of {' or '.join(f'--preset {preset}' for preset in fitting)}. " if fitting else ""


def _remedy_options(problems: Sequence[_Problem], carried: T.StructType, pool: Pool) -> str:
    """Return the options that solve all problems, as typed on the command line."""
    old_names = {new: old for old, new in pool.renamed().items()}
    renamed = {problem.column: True for problem in problems}
    for problem in problems:
        renamed[problem.column] &= problem.renaming_helps
    taken = {name.casefold() for name in carried.names} | {name.casefold() for name in meanings(pool.columns)}
    options = []
    for name, by_renaming in renamed.items():
        own = old_names.get(name, name)
        if by_renaming:
            new = _free_name(name, taken)
            taken.add(new.casefold())
            options.append(f"--rename {shell_word(f'{own}={new}')}")
        else:
            options.append(f"--drop {shell_word(own)}")
    return " ".join(options)


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name similar to the given one that is free and that Delta accepts."""
    plain = "".join("_" if character in _REJECTED_CHARACTERS or character in ".`" else character for character in name)
    plain = f"pool_{plain}" if plain.casefold() in _RESERVED else plain or "unnamed"
    free, number = plain, 2
    while free.casefold() in _RESERVED or free.casefold() in taken - {name.casefold()} or free == name:
        free, number = f"{plain}_{number}", number + 1
    return free


def _clashes(carried: T.StructType) -> Iterator[_Problem]:
    """Yield the carried columns whose names are taken or cannot be used."""
    times = Counter(name.casefold() for name in carried.names)
    for name in carried.names:
        if name.casefold() in _RESERVED:
            reserved = _RESERVED[name.casefold()]
            hint = f", or name it for {reserved} (--{_OPTIONS[reserved]})" if reserved in CANONICAL_NAMES else ""
            text = f"{name!r} is the name of a column of the curated table: rename it to {'pool_' + name!r}{hint}"
        elif "." in name or "`" in name:  # pyspark takes it for a path into a struct when it sends rows to Python
            new = name.replace(".", "_").replace("`", "_")
            text = f"{name!r} contains a dot or a backtick: rename it to {new!r}"
        elif times[name.casefold()] > 1:
            text = f"{name!r} differs from another column only in case: rename it to {name + '_2'!r}"
        else:
            continue
        yield _Problem(name, text, renaming_helps=True)


def _invalid_fields(schema: T.StructType, path: str = "", outermost: str | None = None) -> Iterator[_Problem]:
    for field in schema.fields:
        name = f"{path}{field.name}"
        rejected = sorted(_REJECTED_CHARACTERS & set(field.name))
        if rejected or not field.name:
            new = "".join("_" if character in _REJECTED_CHARACTERS else character for character in field.name)
            text = f"{name!r} contains {''.join(rejected)!r}, which Delta rejects: rename it to {new or 'unnamed'!r}"
            yield _Problem(outermost or field.name, text, renaming_helps=outermost is None)
        yield from _invalid_type(field.dataType, name, field.name if outermost is None else outermost)


def _invalid_type(kind: T.DataType, name: str, outermost: str) -> Iterator[_Problem]:
    if isinstance(kind, T.TimestampNTZType):  # a table feature that older readers lack; alone it becomes UTC
        text = f"{name!r} is a timestamp without time zone, which older readers of Delta tables cannot read"
        yield _Problem(outermost, text, renaming_helps=False)
    if isinstance(kind, _REJECTED_TYPES):
        text = f"{name!r} has type {kind.simpleString()}, which cannot be carried: cast it, for example to string"
        yield _Problem(outermost, text, renaming_helps=False)
    elif isinstance(kind, T.StructType):
        yield from _invalid_fields(kind, f"{name}.", outermost)
    elif isinstance(kind, T.ArrayType):
        yield from _invalid_type(kind.elementType, f"{name}.element", outermost)
    elif isinstance(kind, T.MapType):
        yield from _invalid_type(kind.keyType, f"{name}.key", outermost)
        yield from _invalid_type(kind.valueType, f"{name}.value", outermost)
