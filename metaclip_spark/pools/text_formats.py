"""Text pools: CSV, TSV and JSON lines as rows, with a mark on every malformed record.

A line is a record. Spark's own readers silently lose or change records, depending on the selected columns, where a
header differs, where a quote is not closed, or where a line contains two objects. Here each line is parsed completely,
with one schema for both passes, so that it is well-formed in both or malformed in both.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.pools.records import HEADER, LINE, MALFORMED, RECORD, WELL_FORMED
from metaclip_spark.pools.source import unreadable
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.job_errors import failure_reason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.files.pool_files import PoolFiles

# The colon keeps these names apart from any that a pool may have in a Delta table.
_PARSED: Final = "metaclip:parsed"
_BAD: Final = "metaclip:bad"
_PERMISSIVE: Final = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _BAD}
# RFC 4180: a quote within quotes is doubled; a backslash has no meaning.
_QUOTING: Final = {"sep": ",", "quote": '"', "escape": '"'}
# Sentinel field after the last column: an unclosed quote swallows it, which marks the record as malformed.
_END: Final = "end"
# Spark's CSV parser takes this character for the end of its input, and reads the rest with the next line.
_NO_CHARACTER: Final = "\uffff"


@dataclass(frozen=True)
class _Parsing:
    """Expressions that parse a line into a record.

    Attributes:
        parsed: Result of the parser, evaluated once per line.
        columns: Columns of the record by name, from `parsed` and the line.
        well_formed: Whether the line is a record, from `parsed` and the line.
    """

    parsed: Column
    columns: dict[str, Column]
    well_formed: Column


def read_lines(spark: SparkSession, pool: Pool, files: PoolFiles) -> DataFrame:
    """Return the records of a text pool: its columns, then `RECORD` (the kind of record) and `LINE` (its text).

    Empty lines are not records. An empty field of CSV or TSV is null. Invalid UTF-8 becomes U+FFFD, whereas Parquet
    keeps the bytes.

    Raises:
        InputError: The files cannot be read, have no columns, or have columns that cannot be distinguished.
        ConfigError: The schema is invalid, or does not suit the format.
    """
    try:
        content = files.load(spark, "text", lineSep="\n")
        lines = content.withColumn(LINE, F.rtrim(F.col("value"), F.lit("\r")))
        stripped = F.trim(quoted(LINE), F.lit(" \t\r")) if pool.format == "json" else quoted(LINE)
        lines = lines.where(F.length(stripped) > 0)
        first = _first_line(lines, pool)
        if pool.multiline:
            return _multiline_csv(spark, pool, files, first)
        parsing = _FORMATS[pool.format](spark, pool, lines, first)
        partitions = [field.name for field in content.schema.fields if field.name != "value"]
        _check_distinct(pool, [*parsing.columns, *partitions])
        rows = lines.select(parsing.parsed.alias(_PARSED), quoted(LINE), *map(quoted, partitions))
        kind = F.when(parsing.well_formed, WELL_FORMED).otherwise(MALFORMED)
        if pool.has_header:
            kind = F.when(quoted(LINE) == first, HEADER).otherwise(kind)
        named = [column.alias(name) for name, column in parsing.columns.items()]
        return rows.select(*named, *map(quoted, partitions), kind.cast("byte").alias(RECORD), quoted(LINE))
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(pool, error) from error


def files_with_lines(spark: SparkSession, files: PoolFiles) -> int:
    """Return the number of files with a line that is not empty, by one pass; a compressed file may have none."""
    lines = files.load(spark, "text", lineSep="\n").where(F.length(F.rtrim("value", F.lit("\r"))) > 0)
    return lines.select("_metadata.file_path").distinct().count()


def well_formed(records: DataFrame) -> DataFrame:
    """Return the well-formed records without their marks.

    This is not a filter, because Spark would move a filter below the parsing, and parse each line again for it.
    """
    columns = [quoted(name) for name in records.columns if name not in {RECORD, LINE}]
    return records.select(F.inline(F.when(quoted(RECORD) == WELL_FORMED, F.array(F.struct(*columns)))))


def _first_line(lines: DataFrame, pool: Pool) -> str:
    """Return the first non-empty line of a file: the header, or a record with as many fields as the others."""
    found = lines.where(F.col("_metadata.file_block_start") == 0).select(LINE).take(1)
    if not found:
        raise InputError(f"The pool {', '.join(pool.paths)} has no rows. Name files with rows in --pool.")
    return str(found[0][0])


def _csv(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - same signature
    names = _names(spark, pool, first)
    fields = [*(f"c{place}" for place in range(len(names))), _END]
    schema = ", ".join(f"`{name}` string" for name in [*fields, _BAD])
    readable = F.when(~F.contains(quoted(LINE), F.lit(_NO_CHARACTER)), F.concat(quoted(LINE), F.lit(f",{_END}")))
    return _Parsing(
        F.from_csv(readable, schema, _QUOTING | _PERMISSIVE),
        {name: quoted(_PARSED)[field] for name, field in zip(names, fields, strict=False)},
        quoted(_PARSED)[_BAD].isNull() & (quoted(_PARSED)[_END] == _END),
    )


def _tsv(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - same signature
    names = _names(spark, pool, first)
    fields = {name: F.get(quoted(_PARSED), F.lit(place)) for place, name in enumerate(names)}
    return _Parsing(
        F.split(quoted(LINE), "\t", -1),
        {name: F.nullif(field, F.lit("")) for name, field in fields.items()},
        F.size(quoted(_PARSED)) == len(names),
    )


def _json(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - same signature
    fields = _declared(pool)
    if fields is None:
        inferred = spark.read.options(**_PERMISSIVE).json(lines.select(LINE)).schema
        # An object can repeat a key; the last one counts.
        fields = list({field.name: field for field in inferred.fields if field.name != _BAD}.values())
    _check_distinct(pool, [field.name for field in fields])
    # Nested in another object, because the parser ignores whatever follows the first object of a line.
    line = F.concat(F.lit('{"record":'), quoted(LINE), F.lit("}"))
    schema = T.StructType([T.StructField("record", T.StructType(fields)), T.StructField(_BAD, T.StringType())])
    record = quoted(_PARSED)["record"]
    well_formed = quoted(_PARSED)[_BAD].isNull() & record.isNotNull()
    for field in fields:
        if field.name == pool.columns.text and isinstance(field.dataType, T.StringType):
            well_formed &= ~_is_nested(record[field.name], line, field.name)
    return _Parsing(
        F.from_json(line, schema, _PERMISSIVE), {field.name: record[field.name] for field in fields}, well_formed
    )


def _is_nested(text: Column, line: Column, name: str) -> Column:
    """Return whether a value that is read as a string is a list or an object, whose JSON text Spark would give.

    Few texts begin with a bracket, so that few lines are parsed once more.
    """
    nested = F.lit(False)  # noqa: FBT003 - a literal
    for start, kind in (("[", T.ArrayType(T.StringType())), ("{", T.MapType(T.StringType(), T.StringType()))):
        schema = T.StructType([T.StructField("record", T.StructType([T.StructField(name, kind)]))])
        value = F.from_json(line, schema)["record"][name]
        nested = F.when(F.startswith(text, F.lit(start)), value.isNotNull()).otherwise(nested)
    return F.coalesce(nested, F.lit(False))  # noqa: FBT003 - a literal


_FORMATS: Final = {"csv": _csv, "tsv": _tsv, "json": _json}


def _multiline_csv(spark: SparkSession, pool: Pool, files: PoolFiles, first: str) -> DataFrame:
    """Return records with line ends in quoted fields, by Spark's reader: one task per file, and all columns."""
    names = _names(spark, pool, first)
    _check_distinct(pool, names)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in [*names, _BAD]])
    # The header of each file is compared with the names; columns are not matched by position.
    options = _QUOTING | _PERMISSIVE | {"multiLine": "true", "header": str(pool.has_header), "enforceSchema": "false"}
    rows = files.load(spark, "csv", schema, **options)
    kind = F.when(quoted(_BAD).isNull(), WELL_FORMED).otherwise(MALFORMED).cast("byte")
    # Spark cannot read the text of malformed records alone.
    line = F.coalesce(quoted(_BAD), quoted(names[0]))
    return rows.withColumns({RECORD: kind, LINE: line}).drop(_BAD)


def _names(spark: SparkSession, pool: Pool, first: str) -> list[str]:  # noqa: ARG001
    """Return the names of CSV or TSV columns: from the schema, from the header, or numbered."""
    declared = _declared(pool)
    other = [field for field in declared or [] if not isinstance(field.dataType, T.StringType)]
    if other:
        raise ConfigError(
            f"Column {other[0].name!r} of the schema is {other[0].dataType.simpleString()}, but the fields of "
            f"{pool.format} are read as strings. Write {other[0].name} string."
        )
    try:
        fields = first.split("\t") if pool.format == "tsv" else next(csv.reader([first]))
    except csv.Error as error:
        raise InputError(f"The first line of {', '.join(pool.paths)} is not {pool.format}: {error}.") from None
    if pool.has_header:
        fields = [name or f"_c{place}" for place, name in enumerate(fields)]
    else:
        fields = [field.name for field in declared or []] or [f"_c{place}" for place in range(len(fields))]
    if declared is not None and fields != [field.name for field in declared]:
        raise InputError(
            f"The header of {', '.join(pool.paths)} names {', '.join(fields)}, but the schema names "
            f"{', '.join(field.name for field in declared)}. Make them agree, or leave the schema out."
        )
    return fields


def _declared(pool: Pool) -> list[T.StructField] | None:
    """Return the fields of the configured schema; None without one."""
    if pool.schema is None:
        return None
    try:
        schema = T.DataType.fromDDL(pool.schema)
    except (PySparkException, Py4JJavaError) as error:
        raise ConfigError(
            f"The schema {pool.schema!r} is invalid: {failure_reason(error)}. Write name type, …"
        ) from error
    if not isinstance(schema, T.StructType) or not schema.fields:
        raise ConfigError(f"The schema {pool.schema!r} of the pool names no columns. Write name type, …")
    return list(schema.fields)


def _check_distinct(pool: Pool, names: list[str]) -> None:
    """Raise if names differ only in case, which Spark and Delta ignore."""
    times = Counter(name.casefold() for name in names)
    repeated = [name for name in names if times[name.casefold()] > 1]
    if repeated:
        remedy = "Name the required ones in a schema" if pool.format == "json" else "Change the header"
        raise InputError(
            f"The pool {', '.join(pool.paths)} has columns {', '.join(map(repr, repeated))}, which differ at most in "
            f"case. {remedy}."
        )
