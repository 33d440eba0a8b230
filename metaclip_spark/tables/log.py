"""What the log of a Delta table says: its versions, and the runs whose rows they hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.tables.places import TablePlace

# What else a commit's user metadata holds is somebody else's.
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_SAME_ROWS: Final = frozenset({"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES"})
# Operations after which the rows are still those of the run that wrote them, if fewer.
_SAME_RUN: Final = _SAME_ROWS | {"DELETE"}
_LOOKED_BACK: Final = 100  # commits: a log may have more than anybody wants to read


class State(NamedTuple):
    """A table as it is.

    Attributes:
        version: the newest; -1 where there is no table.
        run_id: the run whose rows it holds; None where nothing says.
    """

    version: int
    run_id: str | None


NO_TABLE: Final = State(-1, None)


class Commit(NamedTuple):
    """One version of a table.

    Attributes:
        version: its number, from 0.
        timestamp: when it was committed.
        operation: what Delta calls it: WRITE, DELETE, OPTIMIZE…
        run_id: the run, or the condition of the rows, that it names; None if it names none.
        rows: that it wrote; None where Delta did not record them.
    """

    version: int
    timestamp: dt.datetime
    operation: str
    run_id: str | None
    rows: int | None

    @property
    def names_a_run(self) -> bool:
        """Whether it is the commit of a run's rows."""
        return _RUN_ID.fullmatch(self.run_id or "") is not None


class Write(NamedTuple):
    """A commit of rows.

    Attributes:
        version: of the table.
        rows: that the commit put into it, as Delta recorded them; counted where it records none.
    """

    version: int
    rows: int


class Extent(NamedTuple):
    """How large the newest version of a table is.

    Attributes:
        rows: from Delta's log where its statistics have them.
        files: of the newest version.
        bytes: of these files; older versions take more.
        versions: number of versions ever written.
        commits: the last ones, newest first.
    """

    rows: int
    files: int
    bytes: int
    versions: int
    commits: list[Commit]


def last_commits(spark: SparkSession, place: TablePlace, number: int = _LOOKED_BACK) -> list[Commit]:
    """The last versions of a table that exists, newest first."""
    return _commits(_history(spark, place, number))


def extent(spark: SparkSession, place: TablePlace, commits: int) -> Extent:
    """Size and last versions of a table that exists."""
    detail = spark.sql(f"DESCRIBE DETAIL {place.sql}").select("numFiles", "sizeInBytes").collect()[0]
    last = last_commits(spark, place, commits)
    rows = place.opened(spark).count()  # from the log's statistics
    return Extent(rows, int(detail.numFiles), int(detail.sizeInBytes), last[0].version + 1, last)


def state(spark: SparkSession, place: TablePlace) -> State:
    """The newest version of a table that exists, and the run that its log says it holds the rows of, if it does."""
    last = last_commits(spark, place)
    for commit in last:
        if commit.names_a_run:
            return State(last[0].version, commit.run_id)
        if commit.operation not in _SAME_RUN:
            break
    return State(last[0].version, None)


def named_by_log(spark: SparkSession, place: TablePlace, version: int | None = None) -> str | None:
    """The run that the newest commit with a name, up to a version, is of."""
    commits = _history(spark, place).where("userMetadata IS NOT NULL")
    if version is not None:
        commits = commits.where(F.col("version") <= version)
    newest = commits.select("userMetadata").take(1)
    return str(newest[0][0]) if newest else None


def last_version_of(spark: SparkSession, place: TablePlace, run_id: str, written: int) -> int:
    """The last version that holds a run's rows: the one before another run's first commit.

    Rows deleted from them since stay deleted, and files put together stay so.

    Args:
        spark: a session with Delta.
        place: of a table that exists.
        run_id: of the run.
        written: version in which the run wrote its rows.
    """
    last = written
    for commit in _since(spark, place, written):
        if commit.names_a_run and commit.run_id != run_id:
            break
        last = commit.version
    return last


def refuse_written(spark: SparkSession, place: TablePlace, run_id: str, after: int) -> None:
    """Before a run writes: nobody else may have written since it began.

    Args:
        spark: a session with Delta.
        place: of a table that exists.
        run_id: of the run.
        after: newest version when it began.

    Raises:
        TableError: somebody has.
    """
    changes = _changes(spark, place, after)
    if changes:
        raise _written_by_another(place, run_id, changes[0], "nothing of this run is in it")


def commit_of(spark: SparkSession, place: TablePlace, run_id: str, after: int) -> Write:
    """After a run has written: its commit, which has to be the first since it began that changed rows.

    Not the newest: Delta may compact the files at once.

    Raises:
        TableError: somebody wrote before it.
    """
    changes = _changes(spark, place, after)
    if changes and changes[0].run_id == run_id:
        version, rows = changes[0].version, changes[0].rows
        # A session may have switched such figures off (spark.databricks.delta.history.metricsEnabled).
        return Write(version, place.opened(spark, version).count() if rows is None else rows)
    overwritten = any(commit.run_id == run_id for commit in changes)
    lost = "this run has overwritten it and is not finished" if overwritten else "nothing of this run is in it"
    raise _written_by_another(place, run_id, changes[0] if changes else None, lost)


def _written_by_another(place: TablePlace, run_id: str, commit: Commit | None, lost: str) -> TableError:
    what = f"version {commit.version} ({commit.operation})" if commit else "a version"
    return TableError(
        f"another process wrote {what} of {place.path} while run {run_id} was under way: {lost}. Let one run at a time "
        "write to an output, and run again, which starts from what is there; an earlier version comes back by "
        f"RESTORE TABLE {place.sql} TO VERSION AS OF its number"
    )


def _changes(spark: SparkSession, place: TablePlace, after: int) -> list[Commit]:
    """Commits after a version that changed rows, in their order."""
    return [commit for commit in _since(spark, place, after) if commit.operation not in _SAME_ROWS]


def _since(spark: SparkSession, place: TablePlace, version: int) -> list[Commit]:
    """Commits after a version, in their order."""
    return _commits(_history(spark, place).where(F.col("version") > version))[::-1]


def _commits(history: DataFrame) -> list[Commit]:
    columns = "version", "timestamp", "operation", "userMetadata", "operationMetrics.numOutputRows"
    return [
        Commit(row.version, row.timestamp, row.operation, row.userMetadata, row[4] and int(row[4]))
        for row in history.select(*columns).collect()
    ]


def _history(spark: SparkSession, place: TablePlace, commits: int | None = None) -> DataFrame:
    """Commits of a table, newest first; the last few, or all."""
    limit = "" if commits is None else f" LIMIT {commits}"
    return spark.sql(f"DESCRIBE HISTORY {place.sql}{limit}")
