"""The distinct sets of columns in the Parquet files of a pool, by one pass over their footers.

Spark's own pass (mergeSchema) does this in the good case. This one is for a pool whose files Spark cannot join, so it
may cost more: it says which types occur in which files.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.pools.columns.parquet_types import ParquetColumn, parquet_columns
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.file_listing import hadoop_settings
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyarrow.parquet import FileMetaData
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.pools.files.pool_files import PoolFiles

MAX_VARIANTS: Final = 1_000
"""Number of distinct sets of columns that are joined."""

_MAX_STORE_FILES: Final = 100_000  # the driver reads the footers of files in stores
_DRIVER_THREADS: Final = 8
_MAGIC: Final = b"PAR1"
_END_BYTES: Final = 8  # length of the footer, then the magic
_SCHEMA: Final = "file string, columns string"


class Variant(NamedTuple):
    """Files with the same columns.

    Attributes:
        columns: Types by name.
        files: Number of these files.
        example: The first of them by name.
        key: Text that identifies the columns.
    """

    columns: dict[str, ParquetColumn]
    files: int
    example: str
    key: str


class Footers(NamedTuple):
    """Result of the pass.

    Attributes:
        variants: Distinct sets of columns, ordered by their first file.
        unreadable: Number of files whose footer cannot be read.
        rows: File and key of its variant, null if it cannot be read.
    """

    variants: list[Variant]
    unreadable: int
    rows: DataFrame


def footers(spark: SparkSession, files: PoolFiles) -> Footers:
    """Return the distinct sets of columns.

    Raises:
        InputError: There are too many of them, or too many files in a store.
    """
    # No file is opened by Spark without the content column.
    names = files.load(spark, "binaryFile").select(F.col("_metadata.file_path").alias("file"))
    rows = map_in_arrow(names, _described, _SCHEMA) if _is_local(names) else _of_store(spark, names)
    grouped = rows.groupBy("columns").agg(F.count("*").alias("files"), F.min("file").alias("example"))
    found = grouped.orderBy("example").limit(MAX_VARIANTS + 1).collect()
    if len(found) > MAX_VARIANTS:
        raise InputError(
            f"The files of {', '.join(files.paths)} have more than {MAX_VARIANTS:,} different sets of columns, for "
            f"example in {found[0].example} and {found[1].example}. Write them with the same columns."
        )
    variants = [Variant(_parsed(row.columns), row.files, row.example, row.columns) for row in found if row.columns]
    return Footers(variants, sum(row.files for row in found if not row.columns), rows)


def local_footer(file: str) -> FileMetaData | None:
    """Return the footer of a file on this machine; None if it cannot be read, or is in a store.

    Args:
        file: Name as Spark gives it: an address, or a path.
    """
    parts = urlsplit(file)
    if parts.scheme not in {"", "file"}:
        return None
    paths = [Path(name) for name in (file.removeprefix("file:"), unquote(parts.path))]
    try:
        return pq.read_metadata(next((path for path in paths if path.exists()), paths[0]))
    except (OSError, pa.ArrowException):
        return None


def _is_local(names: DataFrame) -> bool:
    first = names.take(1)
    return not first or urlsplit(first[0].file).scheme in {"", "file"}


def _described(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        names = batch.column("file").to_pylist()
        columns = [_text(local_footer(name)) for name in names]
        yield pa.record_batch([pa.array(names, pa.string()), pa.array(columns, pa.string())], names=["file", "columns"])


def _of_store(spark: SparkSession, names: DataFrame) -> DataFrame:
    """Return the columns of files in a store, which Spark's client of the driver reads: it has the credentials."""
    found = [row.file for row in names.limit(_MAX_STORE_FILES + 1).collect()]
    if len(found) > _MAX_STORE_FILES or not has_spark_context(spark):
        raise InputError(
            f"The columns of the pool's files differ in type, for example in {found[0]}, and there are too many files "
            "in a store to name all of them. Leave the column out (--drop) where Spark's message names one, or write "
            "the files with the same types."
        )
    with ThreadPoolExecutor(_DRIVER_THREADS) as pool:
        columns = list(pool.map(lambda name: _text(_store_footer(spark, name)), found))
    return spark.createDataFrame(list(zip(found, columns, strict=True)), _SCHEMA)


def _store_footer(spark: SparkSession, file: str) -> FileMetaData | None:
    jvm, settings = spark._jvm, hadoop_settings(spark)  # noqa: SLF001 - pyspark cannot read a part of a file
    try:
        path = jvm.org.apache.hadoop.fs.Path(file)  # type: ignore[union-attr]
        system = path.getFileSystem(settings)
        length = int(system.getFileStatus(path).getLen())
        stream = system.open(path)
        try:
            end = _read(spark, stream, length - _END_BYTES, _END_BYTES)
            footer = _read(spark, stream, length - _END_BYTES - int.from_bytes(end[:4], "little"), length)
        finally:
            stream.close()
        return pq.read_metadata(pa.BufferReader(_MAGIC + footer))
    except (Py4JError, OSError, ValueError, pa.ArrowException):
        return None


def _read(spark: SparkSession, stream: object, start: int, most: int) -> bytes:
    stream.seek(start)  # type: ignore[attr-defined]
    utils = spark._jvm.org.apache.commons.io.IOUtils  # type: ignore[union-attr]  # noqa: SLF001 - as above
    bounded = spark._jvm.org.apache.commons.io.input.BoundedInputStream(stream, most)  # type: ignore[union-attr]  # noqa: SLF001
    return bytes(utils.toByteArray(bounded))


def _text(footer: FileMetaData | None) -> str | None:
    if footer is None:
        return None
    return json.dumps([[name, *column.to_json()] for name, column in parquet_columns(footer).items()])


def _parsed(text: str) -> dict[str, ParquetColumn]:
    return {name: ParquetColumn.from_json(values) for name, *values in json.loads(text)}


def names_of(found: Footers, keys: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Return the names of the files of some variants, each with its variant, at most so many of them."""
    rows = found.rows.where(F.col("columns").isin(list(keys))).limit(most)
    return [(row.file, row.columns) for row in rows.collect()]
