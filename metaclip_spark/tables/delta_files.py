"""Files behind the versions of a Delta table: which versions can still be read completely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError
from metaclip_spark.spark.file_listing import exists, listed_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.spark.table_place import TablePlace


def complete_version(spark: SparkSession, place: TablePlace, version: int, newest: int) -> DataFrame:
    """Return a version of a Delta table whose files all exist.

    VACUUM removes files of older versions, and the log's retention removes their entries. The check takes a job over
    the log and a listing; it opens no file.

    Args:
        spark: Session with Delta.
        place: Place of the table.
        version: Version that the table has or had.
        newest: Newest version; its files are not checked, because only damage removes them.

    Raises:
        TableError: The version can no longer be read.
    """
    table = _logged_version(spark, place, version)
    if version == newest and table is not None:
        return table
    files = _names(listed_files(spark, place.location(spark)))
    missing = None if table is None else _missing_file(spark, table, files)
    if table is not None and missing is None:
        return table
    cause = (
        "its log entries have been removed (delta.logRetentionDuration sets when)"
        if missing is None
        else f"its file {missing} has been removed, as VACUUM does with files that newer versions do not have"
    )
    raise TableError(
        f"Version {version} of {place.path} can no longer be read: {cause}. The oldest version that can be read is "
        f"{_oldest_complete(spark, place, newest, files)}, the newest is {newest}. Name one of these, or curate again "
        "into another root (--tables)."
    )


def _logged_version(spark: SparkSession, place: TablePlace, version: int) -> DataFrame | None:
    """Return a version as logged; None if the log no longer has it."""
    try:
        return place.opened(spark, version)
    except AnalysisException as error:
        if error.getCondition() == "DELTA_VERSION_NOT_FOUND":
            return None
        raise


def _missing_file(spark: SparkSession, table: DataFrame, files: frozenset[str]) -> str | None:
    """Return a file of a version that does not exist; None if all exist."""
    missing = [path for path in table.inputFiles() if _name(path) not in files]
    # The files of a clone are elsewhere: either all of them exist there or, once removed, none.
    return _name(missing[0]) if missing and not exists(spark, missing[0]) else None


def _oldest_complete(spark: SparkSession, place: TablePlace, newest: int, files: frozenset[str]) -> int:
    """Return the oldest version that can be read, by bisection: the oldest versions are removed first."""
    commits = spark.sql(f"DESCRIBE HISTORY {place.sql}")
    incomplete, complete = int(commits.agg(F.min("version")).collect()[0][0]) - 1, newest
    while complete - incomplete > 1:
        middle = (incomplete + complete) // 2
        table = _logged_version(spark, place, middle)
        if table is None or _missing_file(spark, table, files):
            incomplete = middle
        else:
            complete = middle
    return complete


def _names(files: DataFrame) -> frozenset[str]:
    """Return the names of files without their folders, which Spark writes in two ways; Delta repeats no name."""
    return frozenset(map(_name, files.inputFiles()))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
