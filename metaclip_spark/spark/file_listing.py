"""Listings of files: by Spark, which reaches the stores of a cluster, and by Hadoop's client in the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException

from metaclip_spark.spark.session_features import analysed, has_spark_context

if TYPE_CHECKING:
    from py4j.java_gateway import JavaObject
    from pyspark.sql import DataFrame, SparkSession


def listed_files(spark: SparkSession, *paths: str, recursive: bool = True) -> DataFrame:
    """Return all files at the paths, or below them; their content is read only if that column is selected."""
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", str(recursive).lower())
    return reader.load(list(paths))


def any_file(spark: SparkSession, path: str) -> str | None:
    """Return one of the files at or below a path; None if there is no file, or the path does not exist."""
    try:
        files = listed_files(spark, path).select("path").take(1)
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise
    return str(files[0].path) if files else None


def exists(spark: SparkSession, path: str) -> bool:
    """Return whether a file or folder exists."""
    try:
        analysed(listed_files(spark, path))
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return False
        raise
    return True


def is_known_absent(spark: SparkSession, path: str) -> bool:
    """Return whether the driver can tell that a path does not exist; False where it cannot tell.

    Delta takes as long to find that there is no table as to open one.
    """
    if not has_spark_context(spark):
        return False
    settings = hadoop_settings(spark)
    place = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no other way to ask
    try:
        return not place.getFileSystem(settings).exists(place)
    except Py4JJavaError:  # Databricks opens some stores only to tables; the error is raised when the table is opened
        return False


def hadoop_settings(spark: SparkSession) -> JavaObject:
    """Return the Hadoop settings with which the session reads and writes; it must have a SparkContext."""
    return spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001 - pyspark has no other way to ask
