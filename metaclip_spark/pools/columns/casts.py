"""Columns that are cast, dropped or renamed as configured, before any check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.job_errors import failure_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from metaclip_spark.config.pool import Pool

_NESTED = (T.ArrayType, T.MapType, T.StructType)


def changed_columns(table: DataFrame, pool: Pool) -> DataFrame:
    """Return a table of the pool with its columns dropped, cast and renamed as configured.

    Timestamps without a time zone become timestamps of UTC, because older readers of Delta tables cannot read them.

    Raises:
        ConfigError: A type is invalid, or a column cannot be cast to it.
    """
    casts, renamed = parsed_casts(pool), pool.renamed()
    fields = [field for field in table.schema.fields if field.name not in pool.drop]
    zoneless = any(isinstance(field.dataType, T.TimestampNTZType) for field in fields)
    if not (pool.rename or pool.drop or casts or zoneless):
        return table
    columns = []
    for field in fields:
        column = quoted(field.name)
        if field.name in casts:
            _check_castable(field, casts[field.name], pool)
            column = cast_column(column, field.dataType, casts[field.name])
        elif isinstance(field.dataType, T.TimestampNTZType):
            column = _in_utc(column)
        metadata = field.metadata if field.name not in casts else {}
        columns.append(column.alias(renamed.get(field.name, field.name), metadata=metadata))
    try:
        changed = table.select(*columns)
        _ = changed.schema
    except (PySparkException, Py4JJavaError) as error:
        raise ConfigError(f"A column of {', '.join(pool.paths)} cannot be cast: {failure_reason(error)}") from error
    return changed


def parsed_casts(pool: Pool) -> dict[str, T.DataType]:
    """Return the types to which columns are cast, by name.

    Raises:
        ConfigError: A type is invalid.
    """
    parsed = {}
    for name, text in pool.casts().items():
        try:
            schema = T.DataType.fromDDL(f"c {text}")
        except (PySparkException, Py4JJavaError):
            schema = None
        if not isinstance(schema, T.StructType) or len(schema.fields) != 1:
            raise ConfigError(
                f"The type {text!r} of column {name!r} is unknown. Name a type of Spark, such as string, bigint, "
                "double, timestamp or array<string>."
            )
        parsed[name] = schema.fields[0].dataType
    return parsed


def cast_column(column: Column, own: T.DataType, target: T.DataType) -> Column:
    """Return a column in another type; a single value becomes a list of one."""
    if isinstance(target, T.ArrayType) and not isinstance(own, T.ArrayType):
        return F.when(column.isNotNull(), F.array(column.cast(target.elementType)))
    if isinstance(own, T.TimestampNTZType) and isinstance(target, T.TimestampType):
        return _in_utc(column)
    return column.cast(target)


def type_problems(pool: Pool, problems: Mapping[str, tuple[str, T.DataType | None]]) -> InputError:
    """Return the error for columns that cannot be read or joined, with the options that solve all of them.

    Args:
        pool: The pool.
        problems: Description, and the type that holds all values (None: there is none), by the column's name in the
            pool.
    """
    named = {getattr(pool.columns, meaning) for meaning in ("text", "uid", "image_url", "language")}
    drops = " ".join(f"--drop {shell_word(name)}" for name in problems if name not in named)
    casts = " ".join(
        f"--cast {shell_word(f'{name}={kind.simpleString()}')}" for name, (_, kind) in problems.items() if kind
    )
    uncastable = " ".join(f"--drop {shell_word(name)}" for name, (_, kind) in problems.items() if not kind)
    by_cast = f"cast them to one type ({' '.join(filter(None, [casts, uncastable]))})" if casts else ""
    all_droppable = not named & problems.keys()
    remedies = [f"leave them out ({drops})" if all_droppable else "", by_cast]
    remedy = ", or ".join(filter(None, remedies)) or "name other columns"
    return InputError(
        f"{len(problems)} column(s) of {', '.join(pool.paths)} cannot be read in one type: "
        f"{'; '.join(text for text, _ in problems.values())}. {remedy[0].upper()}{remedy[1:]}."
    )


def _check_castable(field: T.StructField, target: T.DataType, pool: Pool) -> None:
    if field.name == pool.columns.text and isinstance(field.dataType, _NESTED) and not isinstance(target, _NESTED):
        raise ConfigError(
            f"Column {field.name!r} of {', '.join(pool.paths)} is {field.dataType.simpleString()}: cast to "
            f"{target.simpleString()}, a caption would be the text of a list. Lists of strings are read as they are, "
            "one row per text; leave the cast out."
        )


def _in_utc(column: Column) -> Column:
    """Return a timestamp without a time zone as a timestamp of UTC, whatever the session's time zone."""
    return F.timestamp_micros(F.timestamp_diff("MICROSECOND", F.expr("timestamp_ntz'1970-01-01 00:00:00'"), column))
