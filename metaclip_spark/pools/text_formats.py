"""Text pools: CSV, TSV and JSON lines as rows, with a mark on every record that cannot be read.

A line is a record. Spark's own readers lose or change records without a word, by what columns are asked for, where a
header differs, where a quote is not closed, or where a line holds two objects. Here each line is parsed whole, with one
schema for both passes, and is well-formed or malformed for good.
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

# The colon keeps these names apart from any that a pool may have in a Delta table.
_PARSED: Final = "metaclip:parsed"
_BAD: Final = "metaclip:bad"
_PERMISSIVE: Final = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _BAD}
# RFC 4180: a quote within quotes is doubled; a backslash means nothing.
_QUOTING: Final = {"sep": ",", "quote": '"', "escape": '"'}
_END: Final = "end"  # a field put behind the last: a quote that is not closed swallows it
# Spark's CSV parser takes it for the end of its input, and reads the rest with the next line.
_NO_CHARACTER: Final = "\uffff"


@dataclass(frozen=True)
class _Parsing:
    """How a line becomes a record.

    Attributes:
        parsed: of a line, the column that is evaluated once.
        columns: of `parsed` and the line, by name.
        well_formed: of `parsed` and the line, whether it is a record.
    """

    parsed: Column
    columns: dict[str, Column]
    well_formed: Column


def read_lines(spark: SparkSession, pool: Pool) -> DataFrame:
    """The records of a text pool: its columns, then `RECORD` (whether it is one) and `LINE` (its text).

    Lines without content are no records. An empty field of CSV or TSV is null. Bytes that are no UTF-8 become U+FFFD,
    where Parquet keeps them.

    Raises:
        InputError: not readable, no columns, or columns that cannot be told apart.
        ConfigError: the schema is none, or not one for this format.
    """
    try:
        files = spark.read.format("text").option("lineSep", "\n").load(list(pool.paths))
        lines = files.withColumn(LINE, F.rtrim(F.col("value"), F.lit("\r")))
        content = F.trim(quoted(LINE), F.lit(" \t\r")) if pool.format == "json" else quoted(LINE)
        lines = lines.where(F.length(content) > 0)
        first = _first_line(lines, pool)
        if pool.multiline:
            return _csv_of_many_lines(spark, pool, first)
        parsing = _FORMATS[pool.format](spark, pool, lines, first)
        partitions = [field.name for field in files.schema.fields if field.name != "value"]
        _refuse_unclear(pool, [*parsing.columns, *partitions])
        rows = lines.select(parsing.parsed.alias(_PARSED), quoted(LINE), *map(quoted, partitions))
        kind = F.when(parsing.well_formed, WELL_FORMED).otherwise(MALFORMED)
        if pool.has_header:
            kind = F.when(quoted(LINE) == first, HEADER).otherwise(kind)
        named = [column.alias(name) for name, column in parsing.columns.items()]
        return rows.select(*named, *map(quoted, partitions), kind.cast("byte").alias(RECORD), quoted(LINE))
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(pool, error) from error


def well_formed(records: DataFrame) -> DataFrame:
    """The well-formed records without their marks.

    A filter would parse each line again for its condition: Spark moves it below the parsing. It moves none below this.
    """
    columns = [quoted(name) for name in records.columns if name not in {RECORD, LINE}]
    return records.select(F.inline(F.when(quoted(RECORD) == WELL_FORMED, F.array(F.struct(*columns)))))


def _first_line(lines: DataFrame, pool: Pool) -> str:
    """The first line of a file with content: the header, or a record that has as many fields as the others."""
    found = lines.where(F.col("_metadata.file_block_start") == 0).select(LINE).take(1)
    if not found:
        raise InputError(f"the pool {', '.join(pool.paths)} has no rows: name files that hold some in --pool")
    return str(found[0][0])


def _csv(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - as the others
    names = _names(spark, pool, first)
    fields = [*(f"c{place}" for place in range(len(names))), _END]
    schema = ", ".join(f"`{name}` string" for name in [*fields, _BAD])
    readable = F.when(~F.contains(quoted(LINE), F.lit(_NO_CHARACTER)), F.concat(quoted(LINE), F.lit(f",{_END}")))
    return _Parsing(
        F.from_csv(readable, schema, _QUOTING | _PERMISSIVE),
        {name: quoted(_PARSED)[field] for name, field in zip(names, fields, strict=False)},
        quoted(_PARSED)[_BAD].isNull() & (quoted(_PARSED)[_END] == _END),
    )


def _tsv(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - as the others
    names = _names(spark, pool, first)
    fields = {name: F.get(quoted(_PARSED), F.lit(place)) for place, name in enumerate(names)}
    return _Parsing(
        F.split(quoted(LINE), "\t", -1),
        {name: F.nullif(field, F.lit("")) for name, field in fields.items()},
        F.size(quoted(_PARSED)) == len(names),
    )


def _json(spark: SparkSession, pool: Pool, lines: DataFrame, first: str) -> _Parsing:  # noqa: ARG001 - as the others
    fields = _declared(pool)
    if fields is None:
        inferred = spark.read.options(**_PERMISSIVE).json(lines.select(LINE)).schema
        # An object may have a key twice; the last one counts.
        fields = list({field.name: field for field in inferred.fields if field.name != _BAD}.values())
    _refuse_unclear(pool, [field.name for field in fields])
    # Within another object: else what follows the first object of a line is ignored.
    line = F.concat(F.lit('{"record":'), quoted(LINE), F.lit("}"))
    schema = T.StructType([T.StructField("record", T.StructType(fields)), T.StructField(_BAD, T.StringType())])
    record = quoted(_PARSED)["record"]
    return _Parsing(
        F.from_json(line, schema, _PERMISSIVE),
        {field.name: record[field.name] for field in fields},
        quoted(_PARSED)[_BAD].isNull() & record.isNotNull(),
    )


_FORMATS: Final = {"csv": _csv, "tsv": _tsv, "json": _json}


def _csv_of_many_lines(spark: SparkSession, pool: Pool, first: str) -> DataFrame:
    """Records whose quoted fields hold line ends: by Spark's reader, which then reads whole columns and whole files."""
    names = _names(spark, pool, first)
    _refuse_unclear(pool, names)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in [*names, _BAD]])
    # Each file's header is compared with the names, which are not taken by their places.
    options = _QUOTING | _PERMISSIVE | {"multiLine": "true", "header": str(pool.has_header), "enforceSchema": "false"}
    rows = spark.read.format("csv").schema(schema).options(**options).load(list(pool.paths))
    kind = F.when(quoted(_BAD).isNull(), WELL_FORMED).otherwise(MALFORMED).cast("byte")
    # Spark refuses to read the text of bad records alone.
    line = F.coalesce(quoted(_BAD), quoted(names[0]))
    return rows.withColumns({RECORD: kind, LINE: line}).drop(_BAD)


def _names(spark: SparkSession, pool: Pool, first: str) -> list[str]:  # noqa: ARG001
    """Names of the columns of CSV or TSV, from the schema, or the header, or counted."""
    declared = _declared(pool)
    other = [field for field in declared or [] if not isinstance(field.dataType, T.StringType)]
    if other:
        raise ConfigError(
            f"column {other[0].name!r} of the schema is {other[0].dataType.simpleString()}, but the fields of "
            f"{pool.format} are read as strings: write {other[0].name} string"
        )
    try:
        fields = first.split("\t") if pool.format == "tsv" else next(csv.reader([first]))
    except csv.Error as error:
        raise InputError(f"the first line of {', '.join(pool.paths)} is no {pool.format}: {error}") from None
    if pool.has_header:
        fields = [name or f"_c{place}" for place, name in enumerate(fields)]
    else:
        fields = [field.name for field in declared or []] or [f"_c{place}" for place in range(len(fields))]
    if declared is not None and fields != [field.name for field in declared]:
        raise InputError(
            f"the header of {', '.join(pool.paths)} names {', '.join(fields)}, the schema "
            f"{', '.join(field.name for field in declared)}: make them agree, or leave the schema out"
        )
    return fields


def _declared(pool: Pool) -> list[T.StructField] | None:
    """The schema that was given."""
    if pool.schema is None:
        return None
    try:
        schema = T.DataType.fromDDL(pool.schema)
    except (PySparkException, Py4JJavaError) as error:
        raise ConfigError(f"schema {pool.schema!r} is none (name type, …): {failure_reason(error)}") from error
    if not isinstance(schema, T.StructType) or not schema.fields:
        raise ConfigError(f"schema {pool.schema!r} of the pool names no columns: write name type, …")
    return list(schema.fields)


def _refuse_unclear(pool: Pool, names: list[str]) -> None:
    """Names have to differ in more than case: Spark and Delta look them up without it."""
    times = Counter(name.casefold() for name in names)
    twice = [name for name in names if times[name.casefold()] > 1]
    if twice:
        remedy = "name the ones you want in a schema" if pool.format == "json" else "change the header"
        raise InputError(f"the pool {', '.join(pool.paths)} has columns {', '.join(map(repr, twice))}: {remedy}")
