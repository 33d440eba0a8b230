"""Rows and bytes of single Parquet files, for estimates; unreadable files do not raise errors here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark.spark.file_listing import hadoop_settings, listed_files
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py4j.java_gateway import JavaObject, JVMView
    from pyspark.sql import SparkSession


class FileSize(NamedTuple):
    """Size of a file.

    Attributes:
        rows: Rows in the file.
        bytes: Compressed bytes of the file.
    """

    rows: int
    bytes: int


def sizes_by_footers(spark: SparkSession, files: Sequence[str]) -> list[FileSize] | None:
    """Return the sizes of some files without a job, in a few milliseconds each.

    Args:
        spark: Session that reads the footers.
        files: Names of the files, as given by Spark.

    Returns:
        None if the driver cannot read all footers: without a SparkContext, or in stores that only tables may read.
    """
    if not has_spark_context(spark):
        return None
    try:
        jvm = spark._jvm  # noqa: SLF001 - pyspark cannot read footers
        settings = hadoop_settings(spark)
        return [_by_footer(jvm, settings, file) for file in files]
    except (PySparkException, Py4JError, AttributeError, TypeError):  # TypeError where the class does not exist
        return None


def size_by_job(spark: SparkSession, file: str) -> FileSize | None:
    """Return the size of a file, by one or two jobs; None if it cannot be read."""
    for path in _names(file):
        try:
            found = listed_files(spark, path).select("length").collect()
            if found:  # the listing leaves empty files out
                return FileSize(spark.read.parquet(path).count(), int(found[0].length))
        except (PySparkException, Py4JJavaError):
            continue
    return None


def _by_footer(jvm: JVMView, settings: JavaObject, file: str) -> FileSize:
    paths = [jvm.org.apache.hadoop.fs.Path(name) for name in _names(file)]
    path = next((path for path in paths[:-1] if path.getFileSystem(settings).exists(path)), paths[-1])
    opened = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(path, settings)
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(opened)
    try:
        return FileSize(int(reader.getRecordCount()), int(opened.getLength()))
    finally:
        reader.close()


def _names(file: str) -> tuple[str, ...]:
    """Return the possible names of a file: Spark URL-encodes the names of Parquet pools, but not those of Delta."""
    return (file,) if unquote(file) == file else (unquote(file), file)
