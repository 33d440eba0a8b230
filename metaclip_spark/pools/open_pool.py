"""Opening a pool: its columns under canonical names, checked before any work, and the identity of what is read.

The four columns with a meaning become `uid`, `text`, `image_url` and `language`; every other column is carried through
as it is, nested ones too, unless it is to be renamed or dropped.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.config.pool import TABLE_FORMATS, TEXT_FORMATS
from metaclip_spark.core.identity import UID_HASH
from metaclip_spark.errors import ConfigError, InputError, MetaclipSparkWarning
from metaclip_spark.pools.columns import (
    check_changes,
    check_columns,
    check_meanings,
    meanings,
    refuse_other_types,
)
from metaclip_spark.pools.source import Source, identify, unreadable
from metaclip_spark.pools.text_formats import LINE, read_lines, well_formed
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.locations import absolute, is_inside, is_table_name
from metaclip_spark.spark.session_kind import analysed, files_of
from metaclip_spark.tables.schemas import MALFORMED, RECORD

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool, PoolColumns

_GLOB: Final = re.compile(r"[*?\[{]")
_COMMENTS: Final = {
    "uid": "id of the row: the pool's own, or MD5 of image_url, a zero byte and text",
    "text": "the caption",
    "image_url": "URL of the image, as in the pool",
}


@dataclass(frozen=True)
class OpenPool:
    """A pool ready to curate.

    Attributes:
        rows: `uid`, `text`, `image_url` and `language` where the pool has them, and the carried columns.
        source: identity of what is read.
        records: the rows and, of text pools, what else stands in their files, told apart by `RECORD`: for counting.
        malformed: of text pools, the records that are no rows, as text in `LINE`.
    """

    rows: DataFrame
    source: Source
    records: DataFrame
    malformed: DataFrame | None = None


def open_pool(spark: SparkSession, pool: Pool) -> OpenPool:
    """Read a pool's schema, check it, and give its columns their canonical names.

    Raises:
        ColumnNotFoundError: a named column is absent; near names are suggested.
        InputError: no such path, no files, a column of the wrong type, or columns that the curated table cannot hold
            (all of them listed at once).
    """
    pool = replace(pool, paths=tuple(_located(path, pool) for path in pool.paths))
    source = identify(spark, pool)
    for warning in source.warnings:
        warnings.warn(warning, MetaclipSparkWarning, stacklevel=3)
    _refuse_read_twice(spark, pool)
    tables = _read(spark, pool, source)
    _refuse_unread(tables, pool, source)
    check_changes(pool, [_own(table).names for table in tables])
    tables = [_changed(table, pool) for table in tables]
    places = pool.paths if pool.format in TABLE_FORMATS else (", ".join(pool.paths),)
    for table, place in zip(tables, places, strict=True):
        check_meanings(_own(table), pool, where=place)
        check_columns(_own(table), pool, where=place)
    if pool.format in TEXT_FORMATS:
        return _of_lines(tables[0], pool, source)
    named = [table.select(*canonical_columns(table.schema, pool.columns)) for table in tables]
    refuse_other_types([table.schema for table in named], places)
    rows = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), named)
    return OpenPool(rows=rows, source=source, records=rows)


def _of_lines(lines: DataFrame, pool: Pool, source: Source) -> OpenPool:
    rows = well_formed(lines)
    columns = canonical_columns(rows.schema, pool.columns)
    return OpenPool(
        rows=rows.select(*columns),
        source=source,
        records=lines.select(*columns, quoted(RECORD)),
        malformed=lines.where(quoted(RECORD) == MALFORMED).select(quoted(LINE)),
    )


def refuse_inside(pool: Pool, output: str | None) -> None:
    """Refuse tables below the pool: writing them would change what is read.

    Args:
        pool: to be read.
        output: folder of the tables; None where a catalog decides.

    Raises:
        ConfigError: the output lies in one of the pool's paths.
    """
    for path in pool.paths:
        if output is not None and is_inside(output, path):
            raise ConfigError(f"the output {output} lies in the pool {path}: use an output outside of it")


def canonical_columns(schema: T.StructType, columns: PoolColumns) -> list[Column]:
    """The projection from a pool's own columns to canonical ones; a derived uid comes first."""
    names = meanings(columns)
    renamed = []
    for field in schema.fields:
        name = names.get(field.name, field.name)
        comment = _COMMENTS.get(name) or field.metadata.get("comment")
        renamed.append(quoted(field.name).alias(name, metadata={"comment": comment} if comment else {}))
    if columns.uid is not None or columns.image_url is None:
        return renamed
    derived = _derived_uid(quoted(columns.image_url), quoted(columns.text))
    return [derived.alias("uid", metadata={"comment": _COMMENTS["uid"]}), *renamed]


def _located(path: str, pool: Pool) -> str:
    return path if pool.format in TABLE_FORMATS and is_table_name(path) else absolute(path)


def _own(table: DataFrame) -> T.StructType:
    """The pool's columns, without the marks of text pools."""
    return T.StructType([field for field in table.schema.fields if field.name not in {RECORD, LINE}])


def _changed(table: DataFrame, pool: Pool) -> DataFrame:
    """Without the columns that are to be dropped, and those that are to be renamed under their new names."""
    if not pool.rename and not pool.drop:
        return table
    renamed = pool.renamed()
    left = [name for name in table.columns if name not in pool.drop]
    return table.select(*(quoted(name).alias(renamed.get(name, name)) for name in left))


def _read(spark: SparkSession, pool: Pool, source: Source) -> list[DataFrame]:
    """One DataFrame for each table; all files of a pool are one."""
    if pool.format in TEXT_FORMATS:
        return [read_lines(spark, pool)]
    try:
        if pool.format not in TABLE_FORMATS:
            # By default Spark takes the columns of one file for those of all, and drops the others without a word.
            reader = spark.read.format(pool.format).option("mergeSchema", str(source.description["files"] > 1))
            return [analysed(reader.load(list(pool.paths)))]
        found = source.description["version"]
        versions = found if isinstance(found, list) else [found]
        return [analysed(_table(spark, path, version)) for path, version in zip(pool.paths, versions, strict=True)]
    except (PySparkException, Py4JJavaError) as error:  # the second where a file is no Parquet
        raise unreadable(pool, error) from error


def _table(spark: SparkSession, place: str, version: int | None) -> DataFrame:
    # Both passes read one version, whatever is committed meanwhile.
    reader = spark.read if version is None else spark.read.option("versionAsOf", str(version))
    return reader.table(place) if is_table_name(place) else reader.format("delta").load(place)


def _refuse_read_twice(spark: SparkSession, pool: Pool) -> None:
    """Spark reads a file once for each path that leads to it: its captions would be counted as often."""
    paths = sorted(f"{path.rstrip('/')}/" for path in pool.paths)
    if pool.format in TABLE_FORMATS or not (_GLOB.search("".join(paths)) or any(map(is_inside, paths[1:], paths))):
        return
    files = [len(files_of(spark.read.format("binaryFile").load(path))) for path in pool.paths]
    twice = sum(files) - len(files_of(spark.read.format("binaryFile").load(list(pool.paths))))
    if twice:
        raise InputError(
            f"{twice} of the {sum(files)} files in {', '.join(pool.paths)} are in more than one of these paths, and "
            "would be read for each of them: name every file or folder once"
        )


def _refuse_unread(tables: list[DataFrame], pool: Pool, source: Source) -> None:
    """Spark reads the folders of a partitioned table, but not files in other subfolders: those must not be lost."""
    listed = source.description.get("files", 0)
    read = len(files_of(tables[0])) if listed else 0
    if read < listed:
        raise InputError(
            f"{listed - read} of the {listed} files in {', '.join(pool.paths)} are in subfolders that Spark does not "
            "read: name these folders too, as paths of the pool"
        )


def _derived_uid(image_url: Column, text: Column) -> Column:
    """`core.identity.derived_uid` as a Spark expression; null where there is no URL: such rows would share it."""
    if UID_HASH != "md5":
        raise AssertionError(f"the derived uid is {UID_HASH}, not md5")
    content = F.concat(image_url.cast("binary"), F.lit(bytearray(b"\0")), text.cast("binary"))
    return F.when(F.length(image_url) > 0, F.md5(content))
