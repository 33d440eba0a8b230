"""Log of a Delta table: its versions, and the runs whose rows they contain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.spark.table_place import TablePlace

# User metadata of commits that is not a run id belongs to others.
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_SAME_ROWS: Final = frozenset({"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES"})
# Operations after which the rows are still those of the run that wrote them, though possibly fewer.
_SAME_RUN: Final = _SAME_ROWS | {"DELETE"}
_MAX_COMMITS: Final = 100  # read at once; a log may have many more


class State(NamedTuple):
    """State of a table.

    Attributes:
        version: Newest version; -1 if there is no table.
        run_id: Run whose rows the table contains; None if unknown.
    """

    version: int
    run_id: str | None


NO_TABLE: Final = State(-1, None)


class Commit(NamedTuple):
    """One version of a table.

    Attributes:
        version: Number of the version, from 0.
        timestamp: Time of the commit.
        operation: Delta's name of the operation: WRITE, DELETE, OPTIMIZE…
        run_id: Run, or condition of the rows, that the commit names; None if it names none.
        rows: Rows written; None where Delta did not record them.
    """

    version: int
    timestamp: dt.datetime
    operation: str
    run_id: str | None
    rows: int | None

    @property
    def names_a_run(self) -> bool:
        """Whether the commit wrote the rows of a run."""
        return _RUN_ID.fullmatch(self.run_id or "") is not None


class Write(NamedTuple):
    """A commit of rows.

    Attributes:
        version: Version of the table.
        rows: Rows written, as recorded by Delta; counted where it records none.
    """

    version: int
    rows: int


class Extent(NamedTuple):
    """Size of the newest version of a table.

    Attributes:
        rows: Rows, from the statistics in Delta's log where it has them.
        files: Files of the newest version.
        bytes: Bytes of these files; older versions take more.
        versions: Number of versions ever written.
        commits: Last commits, newest first.
    """

    rows: int
    files: int
    bytes: int
    versions: int
    commits: list[Commit]


def last_commits(spark: SparkSession, place: TablePlace, number: int = _MAX_COMMITS) -> list[Commit]:
    """Return the last commits of an existing table, newest first."""
    return _commits(_history(spark, place, number))


def extent(spark: SparkSession, place: TablePlace, commits: int) -> Extent:
    """Return size and last commits of an existing table."""
    detail = spark.sql(f"DESCRIBE DETAIL {place.sql}").select("numFiles", "sizeInBytes").collect()[0]
    last = last_commits(spark, place, commits)
    rows = place.opened(spark).count()  # from the log's statistics
    return Extent(rows, int(detail.numFiles), int(detail.sizeInBytes), last[0].version + 1, last)


def state(spark: SparkSession, place: TablePlace) -> State:
    """Return the newest version of an existing table, and the run whose rows it contains if the log names it."""
    last = last_commits(spark, place)
    for commit in last:
        if commit.names_a_run:
            return State(last[0].version, commit.run_id)
        if commit.operation not in _SAME_RUN:
            break
    return State(last[0].version, None)


def last_named_run(spark: SparkSession, place: TablePlace, version: int | None = None) -> str | None:
    """Return the run that the newest commit with user metadata names, up to a version."""
    commits = _history(spark, place).where("userMetadata IS NOT NULL")
    if version is not None:
        commits = commits.where(F.col("version") <= version)
    newest = commits.select("userMetadata").take(1)
    return str(newest[0][0]) if newest else None


def last_version_of(spark: SparkSession, place: TablePlace, run_id: str, written: int) -> int:
    """Return the last version with a run's rows: the one before another run's first commit.

    Later deletions and compactions of these rows are included.

    Args:
        spark: Session with Delta.
        place: Place of an existing table.
        run_id: Run that wrote the rows.
        written: Version in which the run wrote them.
    """
    last = written
    for commit in _commits_after(spark, place, written):
        if commit.names_a_run and commit.run_id != run_id:
            break
        last = commit.version
    return last


def check_unchanged(spark: SparkSession, place: TablePlace, run_id: str, after: int) -> None:
    """Raise if another process has written to a table since a run started.

    Args:
        spark: Session with Delta.
        place: Place of an existing table.
        run_id: Run that is about to write.
        after: Newest version when it started.

    Raises:
        TableError: Another process has written.
    """
    changes = _changes(spark, place, after)
    if changes:
        raise _written_by_another(place, run_id, changes[0], "Nothing of this run is in it")


def commit_of(spark: SparkSession, place: TablePlace, run_id: str, after: int) -> Write:
    """Return the commit of a run that has written: the first one since it started that changed rows.

    It need not be the newest, since Delta may compact the files at once.

    Raises:
        TableError: Another process wrote before the run.
    """
    changes = _changes(spark, place, after)
    if changes and changes[0].run_id == run_id:
        version, rows = changes[0].version, changes[0].rows
        # A session can switch such metrics off (spark.databricks.delta.history.metricsEnabled).
        return Write(version, place.opened(spark, version).count() if rows is None else rows)
    overwritten = any(commit.run_id == run_id for commit in changes)
    loss = "This run has overwritten it and is not finished" if overwritten else "Nothing of this run is in it"
    raise _written_by_another(place, run_id, changes[0] if changes else None, loss)


def _written_by_another(place: TablePlace, run_id: str, commit: Commit | None, loss: str) -> TableError:
    written = f"version {commit.version} ({commit.operation})" if commit else "a version"
    return TableError(
        f"Another process wrote {written} of {place.path} during run {run_id}. {loss}. Let one run at a time write to "
        "these tables, and run again, which starts from the stored rows. RESTORE TABLE "
        f"{place.sql} TO VERSION AS OF N restores an earlier version N."
    )


def _changes(spark: SparkSession, place: TablePlace, after: int) -> list[Commit]:
    """Return the commits after a version that changed rows, oldest first."""
    return [commit for commit in _commits_after(spark, place, after) if commit.operation not in _SAME_ROWS]


def _commits_after(spark: SparkSession, place: TablePlace, version: int) -> list[Commit]:
    """Return the commits after a version, oldest first."""
    return _commits(_history(spark, place).where(F.col("version") > version))[::-1]


def _commits(history: DataFrame) -> list[Commit]:
    columns = "version", "timestamp", "operation", "userMetadata", "operationMetrics.numOutputRows"
    return [
        Commit(row.version, row.timestamp, row.operation, row.userMetadata, row[4] and int(row[4]))
        for row in history.select(*columns).collect()
    ]


def _history(spark: SparkSession, place: TablePlace, commits: int | None = None) -> DataFrame:
    """Return the last commits of a table, or all, newest first."""
    limit = "" if commits is None else f" LIMIT {commits}"
    return spark.sql(f"DESCRIBE HISTORY {place.sql}{limit}")
