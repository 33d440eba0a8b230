"""Opening a pool: its columns under canonical names, checked before any work, and the identity of its content.

The four columns with a meaning become `uid`, `text`, `image_url` and `language`. Every other column is carried through
unchanged, nested ones included, unless it is renamed or dropped.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.config.pool import TABLE_FORMATS, TEXT_FORMATS
from metaclip_spark.errors import ConfigError, MetaclipSparkWarning
from metaclip_spark.host.places import containing, name_parts
from metaclip_spark.pools.canonical_columns import canonical_columns, with_default_columns
from metaclip_spark.pools.column_checks import check_carried_columns, check_changes, check_meanings
from metaclip_spark.pools.columns.casts import changed_columns
from metaclip_spark.pools.columns.joined_tables import joined_tables
from metaclip_spark.pools.columns.list_captions import one_row_per_text
from metaclip_spark.pools.files.pool_paths import checked_paths
from metaclip_spark.pools.read_files import (
    check_all_files_read,
    check_content,
    check_files_read_once,
    files_of,
    read_parquet,
)
from metaclip_spark.pools.records import LINE, MALFORMED, RECORD
from metaclip_spark.pools.source import Source, identify, unreadable
from metaclip_spark.pools.text_formats import read_lines, well_formed
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.file_names import check_file_names
from metaclip_spark.spark.table_place import TablePlace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool


@dataclass(frozen=True)
class OpenPool:
    """A pool ready to be curated.

    Attributes:
        pool: Pool as read, with every column with a meaning named.
        rows: `uid`, `text`, `image_url` and `language` where the pool has them, and the carried columns.
        source: Identity of what is read.
        records: For counting: the rows and, for text pools, every other record of the files, marked in `RECORD`.
        malformed: Text of the malformed records, in `LINE`; None unless the pool is a text pool.
    """

    pool: Pool
    rows: DataFrame
    source: Source
    records: DataFrame
    malformed: DataFrame | None = None


def open_pool(spark: SparkSession, pool: Pool) -> OpenPool:
    """Read a pool's schema, check it, and give its columns their canonical names.

    Raises:
        ColumnNotFoundError: A named column is absent; similar names are suggested.
        ConfigError: No column gives the rows an id.
        InputError: A path does not exist, has no files, or has a column of the wrong type; or columns do not fit into
            the curated table (all of them are listed at once).
    """
    check_file_names(spark, *pool.paths, below=pool.format not in TABLE_FORMATS)
    pool, notes = checked_paths(spark, pool)
    source = identify(spark, pool)
    tables, source = _read(spark, pool, replace(source, warnings=(*notes, *source.warnings)))
    for warning in source.warnings:
        warnings.warn(warning, MetaclipSparkWarning, stacklevel=3)
    names = [_own(table).names for table in tables]
    check_changes(pool, names)
    pool = with_default_columns(pool, {name for table in names for name in table})
    places = pool.paths if pool.format in TABLE_FORMATS else (", ".join(pool.paths),)
    tables = joined_tables([changed_columns(table, pool) for table in tables], places, pool)
    for table, place in zip(tables, places, strict=True):
        check_meanings(_own(table), pool, where=place)
        check_carried_columns(_own(table), pool, where=place)
    if pool.format in TEXT_FORMATS:
        return _text_pool(tables[0], pool, source)
    named = [_named(table, pool) for table in tables]
    rows = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), named)
    return OpenPool(pool=pool, rows=rows, source=source, records=rows)


def _text_pool(records: DataFrame, pool: Pool, source: Source) -> OpenPool:
    return OpenPool(
        pool=pool,
        rows=_named(well_formed(records), pool),
        source=source,
        records=_named(records.drop(LINE), pool),
        malformed=records.where(quoted(RECORD) == MALFORMED).select(quoted(LINE)),
    )


def _named(table: DataFrame, pool: Pool) -> DataFrame:
    """Return one row per text, with the canonical names of columns."""
    texts = one_row_per_text(table, pool.columns.text)
    return texts.select(*canonical_columns(texts.schema, pool.columns))


def check_tables_outside(pool: Pool, folder: str | None) -> None:
    """Raise if the tables are below the pool, since writing them would change what is read.

    Args:
        pool: Pool to be read.
        folder: Folder of the tables; None if a catalog determines it.

    Raises:
        ConfigError: The folder is in one of the pool's paths.
    """
    path = None if folder is None else containing(folder, pool.paths)
    if path is not None:
        raise ConfigError(f"The tables' folder {folder} lies in the pool {path}. Use a folder outside of it.")


def _own(table: DataFrame) -> T.StructType:
    """Return the schema of the pool's columns, without the marks of text pools."""
    return T.StructType([field for field in table.schema.fields if field.name not in {RECORD, LINE}])


def _read(spark: SparkSession, pool: Pool, source: Source) -> tuple[list[DataFrame], Source]:
    """Return one DataFrame per table, all files of a pool being one, and the source with what was left out."""
    if pool.format not in TABLE_FORMATS:
        check_files_read_once(spark, pool, source)
        if pool.format in TEXT_FORMATS:
            check_content(spark, pool, source)
            rows = read_lines(spark, pool, files_of(source))
        else:
            rows, source = read_parquet(spark, pool, source)
        check_all_files_read(spark, rows, pool, source)
        return [rows], source
    try:
        found = source.description["version"]
        versions = found if isinstance(found, list) else [found]
        return [_table(spark, path, version) for path, version in zip(pool.paths, versions, strict=True)], source
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(pool, error) from error


def _table(spark: SparkSession, place: str, version: int | None) -> DataFrame:
    # Both passes read one version, whatever is committed meanwhile.
    return TablePlace(place, name_parts(place) is not None).opened(spark, version)
