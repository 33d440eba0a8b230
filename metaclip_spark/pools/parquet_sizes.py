"""Rows and bytes of single Parquet files, for estimates: what cannot be read is no error here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py4j.java_gateway import JavaObject, JVMView
    from pyspark.sql import SparkSession


class FileSize(NamedTuple):
    """Size of a file.

    Attributes:
        rows: in it.
        bytes: of it, compressed.
    """

    rows: int
    bytes: int


def sizes_by_footers(spark: SparkSession, files: Sequence[str]) -> list[FileSize] | None:
    """Sizes of some files, no job but a few milliseconds each.

    Args:
        spark: the session.
        files: as Spark names them.

    Returns:
        None where the driver cannot look into all of them: without a context, or in stores that are open to tables
        alone.
    """
    if not has_spark_context(spark):
        return None
    try:
        jvm = spark._jvm  # noqa: SLF001 - pyspark has no way to ask
        settings = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001 - those that Spark reads with
        return [_by_footer(jvm, settings, file) for file in files]
    except (PySparkException, Py4JError, AttributeError, TypeError):  # the last where there is no such class
        return None


def size_by_job(spark: SparkSession, file: str) -> FileSize | None:
    """Size of a file, by a job or two; None if it cannot be read."""
    for path in _names(file):
        try:
            size = spark.read.format("binaryFile").load(path).select("length").collect()[0].length
            return FileSize(spark.read.parquet(path).count(), int(size))
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
    """Spark names the files of Parquet pools URL-encoded, those of Delta as they are."""
    return (file,) if unquote(file) == file else (unquote(file), file)
