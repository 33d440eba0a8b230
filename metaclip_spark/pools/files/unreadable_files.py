"""Parquet files that cannot be opened, found at once after one of them has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import InputError
from metaclip_spark.pools.files.content_kinds import problem
from metaclip_spark.pools.files.heads import file_heads
from metaclip_spark.pools.parquet_sizes import size_by_job, sizes_by_footers
from metaclip_spark.spark.session_features import has_spark_context, input_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from metaclip_spark.pools.files.pool_files import PoolFiles

MAX_UNREADABLE: Final = 10_000
"""Number of files that can be left out: their names are part of every plan that reads the pool."""

_SHOWN: Final = 5
# No file has this column, so that only footers are read.
_NO_COLUMN: Final = T.StructType([T.StructField("metaclip:none", T.StringType())])


class Unreadable(NamedTuple):
    """Files that cannot be opened.

    Attributes:
        names: Their names as Spark's `_metadata.file_path` has them, URL-encoded.
        listed: Number of all files, readable ones included.
        described: Some of them with the reason.
    """

    names: tuple[str, ...]
    listed: int
    described: str


def unreadable_files(spark: SparkSession, files: PoolFiles) -> Unreadable:
    """Return the Parquet files whose footers cannot be read, by one distributed pass over the footers.

    Raises:
        InputError: There are more than `MAX_UNREADABLE`.
    """
    opened = files.load(spark, "parquet", _NO_COLUMN, ignoreCorruptFiles="true")
    readable = opened.select(F.col("_metadata.file_path").alias("file")).distinct()
    # A file without rows is not among them, but can be opened.
    candidates = _all_names(opened).join(readable, "file", "left_anti").limit(2 * MAX_UNREADABLE)
    names = tuple(sorted(row.file for row in candidates.collect() if not _opens(spark, row.file)))
    if len(names) > MAX_UNREADABLE:
        raise InputError(
            f"More than {MAX_UNREADABLE:,} files of {', '.join(files.paths)} cannot be read, for example {names[0]}. "
            "Restore the pool, or remove these files."
        )
    some = [unquote(name) for name in names[:_SHOWN]]
    heads = file_heads(spark, some)
    shown = [f"{name} {problem(name, heads.get(name, b''), 'parquet') or 'is torn'}" for name in some]
    more = f"; and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return Unreadable(names, len(input_files(opened)), "; ".join(shown) + more)


def _all_names(frame: DataFrame) -> DataFrame:
    """Return the names of all files of a DataFrame, empty files included, without moving them through the driver."""
    spark = frame.sparkSession
    if has_spark_context(spark):
        jvm = spark._jvm  # noqa: SLF001 - pyspark would copy the names one by one
        names = jvm.scala.runtime.ScalaRunTime.genericWrapArray(input_files(frame))  # type: ignore[union-attr]
        encoder = jvm.org.apache.spark.sql.Encoders.STRING()  # type: ignore[union-attr]
        encoded = DataFrame(spark._jsparkSession.createDataset(names, encoder).toDF(), spark)  # noqa: SLF001
    else:
        encoded = spark.createDataFrame([(name,) for name in frame.inputFiles()], "value string")
    # Both names are URL-encoded, but differ in the number of slashes after the scheme.
    return encoded.select(F.regexp_replace("value", "^file:///", "file:/").alias("file"))


def _opens(spark: SparkSession, name: str) -> bool:
    return bool(sizes_by_footers(spark, [name]) if has_spark_context(spark) else size_by_job(spark, name))
