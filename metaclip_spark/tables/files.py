"""The files behind a Delta table: what a folder holds, and which versions of a table still have all of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError
from metaclip_spark.spark.session_features import analysed, has_spark_context

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.tables.places import TablePlace


def listing(spark: SparkSession, path: str | list[str]) -> DataFrame:
    """All files at or below a path, or several; their content is not read unless asked for."""
    return spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(path)


def any_file(spark: SparkSession, path: str) -> str | None:
    """One of the files at or below a path; None if there is none, or nothing at all."""
    try:
        files = listing(spark, path).select("path").take(1)
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise
    return str(files[0].path) if files else None


def absent(spark: SparkSession, path: str) -> bool:
    """Whether it is known at a glance that there is no file or folder; False where it is not known.

    Delta takes as long to find that there is no table as to open one.
    """
    if not has_spark_context(spark):
        return False
    place = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no way to ask
    settings = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001 - those that Spark reads with
    try:
        return not place.getFileSystem(settings).exists(place)
    except Py4JJavaError:  # Databricks opens some stores to tables alone: what is wrong shows when the table is opened
        return False


def exists(spark: SparkSession, path: str) -> bool:
    """Whether there is a file or folder."""
    try:
        analysed(listing(spark, path))
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return False
        raise
    return True


def whole_version(spark: SparkSession, place: TablePlace, version: int, newest: int) -> DataFrame:
    """A Delta table as it was, whose files are all there: an older version's go with VACUUM, its log with time.

    That takes a job over the log and a listing; no file is opened.

    Args:
        spark: a session with Delta.
        place: of the table.
        version: one that it has or had.
        newest: the newest; nothing but damage takes the files of that one, so they are not looked for.

    Raises:
        TableError: the version cannot be read any more.
    """
    table = _logged(spark, place, version)
    if version == newest and table is not None:
        return table
    files = _names(listing(spark, place.location(spark)))
    lost = None if table is None else _lost_file(spark, table, files)
    if table is not None and lost is None:
        return table
    why = (
        "its log is cleaned up (delta.logRetentionDuration says when)"
        if lost is None
        else f"its file {lost} is removed, as VACUUM does with files that newer versions do not have"
    )
    raise TableError(
        f"version {version} of {place.path} is gone: {why}. The oldest version that can be read is "
        f"{_oldest_whole(spark, place, newest, files)}, the newest {newest}: name one of these, or curate the lost one "
        "again into another output"
    )


def _logged(spark: SparkSession, place: TablePlace, version: int) -> DataFrame | None:
    """A version as the log has it; None if it does not have it any more."""
    try:
        return place.opened(spark, version)
    except AnalysisException as error:
        if error.getCondition() == "DELTA_VERSION_NOT_FOUND":
            return None
        raise


def _lost_file(spark: SparkSession, table: DataFrame, files: frozenset[str]) -> str | None:
    """A file of a version that is not there."""
    missing = [path for path in table.inputFiles() if _name(path) not in files]
    # A clone has its files elsewhere: all of them, or, where they are gone, none.
    return _name(missing[0]) if missing and not exists(spark, missing[0]) else None


def _oldest_whole(spark: SparkSession, place: TablePlace, newest: int, files: frozenset[str]) -> int:
    """The oldest version that can be read, by bisection: what goes is the oldest."""
    commits = spark.sql(f"DESCRIBE HISTORY {place.sql}")
    gone, whole = int(commits.agg(F.min("version")).collect()[0][0]) - 1, newest
    while whole - gone > 1:
        middle = (gone + whole) // 2
        table = _logged(spark, place, middle)
        if table is None or _lost_file(spark, table, files):
            gone = middle
        else:
            whole = middle
    return whole


def _names(files: DataFrame) -> frozenset[str]:
    """Names of files; Delta gives no two the same, and Spark writes the folders before them in two ways."""
    return frozenset(map(_name, files.inputFiles()))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
