"""The rows of a pool's Parquet files, and the checks that Spark reads every file that was listed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark.errors import InputError
from metaclip_spark.host.places import LOCAL_SCHEME
from metaclip_spark.pools.columns.joined_files import joined_files
from metaclip_spark.pools.columns.parquet_encodings import check_encodings
from metaclip_spark.pools.columns.parquet_footers import footers
from metaclip_spark.pools.files.content_kinds import problem
from metaclip_spark.pools.files.heads import file_heads
from metaclip_spark.pools.files.partition_folders import GLOB
from metaclip_spark.pools.files.unreadable_files import Unreadable, unreadable_files
from metaclip_spark.pools.source import Source, unreadable
from metaclip_spark.spark.session_features import input_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.files.pool_files import PoolFiles

_DAMAGED: Final = re.compile(r"CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE|is not a Parquet file|UNABLE_TO_INFER_SCHEMA")
# Spark cannot give a column one type, or has no type for it.
_COLUMNS: Final = re.compile(
    r"CANNOT_MERGE|PARQUET_TYPE_|UNSUPPORTED_TIME_TYPE|UNSUPPORTED_DATATYPE|DECIMAL_PRECISION_EXCEEDS"
    r"|FAILED_MERGING|Unrecognized Parquet type"
)
_RECORDED_NAMES: Final = 100


def read_parquet(spark: SparkSession, pool: Pool, source: Source) -> tuple[DataFrame, Source]:
    """Return the rows of Parquet files, and the source with the files that were left out as configured.

    Raises:
        InputError: Files cannot be read, and it is not configured to leave them out.
    """
    files = files_of(source)
    check_encodings(pool, files.totals.examples)
    # By default Spark assumes that all files have the columns of one of them, and silently drops the others.
    merged = str(files.totals.files > 1)
    try:
        rows = files.load(spark, "parquet", mergeSchema=merged)
        if len(input_files(rows)) <= files.totals.files:
            return rows, source
        found = unreadable_files(spark, files)  # empty files are not in the listing
    except (PySparkException, Py4JJavaError) as error:
        if _COLUMNS.search(str(error)):
            return _joined(spark, pool, source)
        if not _DAMAGED.search(str(error)):
            raise unreadable(pool, error) from error
        found = unreadable_files(spark, files)
        if not found.names:
            raise unreadable(pool, error) from error
    if not found.names:
        return rows, source
    source = _without(pool, source, found)
    try:
        schema = files.load(spark, "parquet", mergeSchema="true", ignoreCorruptFiles="true").schema
    except (PySparkException, Py4JJavaError) as error:
        if not _COLUMNS.search(str(error)):
            raise unreadable(pool, error) from error
        return joined_files(spark, pool, files_of(source), footers(spark, files_of(source))), source
    return files_of(source).load(spark, "parquet", schema), source


def _joined(spark: SparkSession, pool: Pool, source: Source) -> tuple[DataFrame, Source]:
    """Return the rows of files whose columns Spark cannot join, without the unreadable files if so configured."""
    files = files_of(source)
    found = footers(spark, files)
    if found.unreadable:
        source = _without(pool, source, unreadable_files(spark, files))
    return joined_files(spark, pool, files_of(source), found), source


def check_content(spark: SparkSession, pool: Pool, source: Source) -> None:
    """Raise if a few of the files of a text pool are of another kind, as their first bytes show.

    Raises:
        InputError: The files, each with what to do.
    """
    heads = file_heads(spark, files_of(source).totals.examples)
    found = [f"{name} {text}" for name, head in sorted(heads.items()) if (text := problem(name, head, pool.format))]
    if found:
        raise InputError(f"The pool {', '.join(pool.paths)} cannot be read as {pool.format}: {'; '.join(found)}.")


def check_files_read_once(spark: SparkSession, pool: Pool, source: Source) -> None:
    """Raise if several paths lead to one file: Spark would read it, and count its captions, once per path."""
    paths = sorted(f"{LOCAL_SCHEME.sub('', path, count=1).rstrip('/')}/" for path in pool.paths)
    if len(paths) == 1 or not (GLOB.search("".join(paths)) or any(map(str.startswith, paths[1:], paths))):
        return
    files = [_names(spark, pool, replace(files_of(source), paths=(path,))) for path in pool.paths]
    repeated = sum(files) - _names(spark, pool, files_of(source))
    if repeated:
        raise InputError(
            f"{repeated} of the {sum(files)} files in {', '.join(pool.paths)} are in more than one of these paths and "
            "would be read once per path. Name every file or folder once."
        )


def check_all_files_read(spark: SparkSession, rows: DataFrame, pool: Pool, source: Source) -> None:
    """Raise if Spark would skip files: in subfolders that are not partitions, or beside partition folders."""
    files = files_of(source)
    if files.empty or files.others:  # their names, too, are among the input files, or decide what a partition is
        read = replace(files, skipped=()).load(spark, "binaryFile").select("path").count()
    else:
        read = len(input_files(rows))
    listed = files.totals.files
    if read < listed:
        raise InputError(
            f"{listed - read} of the {listed} files in {', '.join(pool.paths)} are in subfolders that Spark does not "
            "read, or beside partition folders. Name these folders too, as paths of the pool."
        )
    least, most = files.totals.partitions
    if least < most and files.partitions & {name.casefold() for name in rows.columns}:
        fewest, greatest = files.totals.examples[-2:]
        raise InputError(
            f"The files of the pool {', '.join(pool.paths)} do not lie in the same partition folders (key=value), for "
            f"example {fewest} and {greatest}, and Spark would not read all of them. Curate one kind of folders, and "
            "append the others."
        )


def _names(spark: SparkSession, pool: Pool, files: PoolFiles) -> int:
    try:
        return len(input_files(files.load(spark, "binaryFile")))
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(pool, error) from error


def files_of(source: Source) -> PoolFiles:
    """Return the files of a source that is not of tables."""
    if source.files_read is None:
        raise AssertionError("a pool of files is identified by its files")
    return source.files_read


def _without(pool: Pool, source: Source, found: Unreadable) -> Source:
    files, number = files_of(source), len(found.names)
    if number >= found.listed:
        raise InputError(f"The pool {', '.join(pool.paths)} cannot be read as {pool.format}: {found.described}.")
    if not pool.skip_unreadable_files:
        raise InputError(
            f"{number:,} file(s) of the pool {', '.join(pool.paths)} cannot be read: {found.described}. Restore them, "
            "or pass --skip-unreadable-files to leave them out."
        )
    names = [unquote(name) for name in found.names[:_RECORDED_NAMES]]
    skipped = {"unreadable_files": {"files": number, "names": names}}
    warning = f"{number:,} file(s) of the pool cannot be read and are left out: {found.described}."
    return replace(
        source,
        description=source.description | skipped,
        warnings=(*source.warnings, warning),
        files_read=replace(files, skipped=found.names),
    )
