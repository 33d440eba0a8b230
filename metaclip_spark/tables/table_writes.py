"""Writes to one Delta table, each as one commit, and the errors of concurrent writers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from metaclip_spark.errors import TableError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.tables.delta_log import check_unchanged, commit_of, last_commits
from metaclip_spark.tables.file_layout import PLAIN_COLUMNS, cluster, coalesced
from metaclip_spark.tables.schemas import INDEXED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.spark.table_place import TablePlace
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.file_layout import FileLayout

# Plain features only, and no statistics of texts and lists: collecting those takes a fifth of a write.
_INDEXED: Final = "delta.dataSkippingStatsColumns"
_CONCURRENT_COMMITS: Final = 10  # inspected after a write
# Delta's errors where another process committed meanwhile.
_CONCURRENT: Final = re.compile(r"DELTA_(?:CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)|Concurrent\w*Exception")


def replace_table(
    spark: SparkSession,
    place: TablePlace,
    rows: DataFrame,
    *,
    run_id: str,
    layout: FileLayout,
    after: int,
    exists: bool,
) -> Write:
    """Replace all rows of a table in one commit, unless another process has written to it meanwhile.

    Args:
        spark: Session with Delta.
        place: Place of the table.
        rows: New rows.
        run_id: Run that the commit names.
        layout: Layout of the files.
        after: Newest version when the run started; -1 if there was no table.
        exists: Whether the table exists.

    Raises:
        TableError: Another process has written to the table since that version. If two runs started from the same
            version, the second changes nothing.
    """
    rows = coalesced(rows, layout)
    options = {
        "overwriteSchema": "true",
        _INDEXED: ",".join(INDEXED),
        "compression": layout.compression,
        # Optimized writes shuffle rows between the tasks that count them and those that write them, and Spark counts an
        # accumulator once per task only in the tasks that write.
        "optimizeWrite": "false",
        "userMetadata": run_id,
        # Versions only grow, and Delta skips a write whose number is not above the last one. So a run that started
        # before another run's commit cannot overwrite it, however long it takes.
        "txnAppId": "metaclip-spark/rows",
        "txnVersion": str(after + 1),
    }
    if exists:
        check_unchanged(spark, place, run_id, after)
    with changed_settings(spark, PLAIN_COLUMNS):
        _save(place, rows, mode="overwrite", options=options)
    written = commit_of(spark, place, run_id, after)
    if layout.cluster:
        cluster(spark, place.sql, layout)
    return written


def replace_rows(
    spark: SparkSession,
    place: TablePlace,
    rows: DataFrame,
    *,
    condition: str,
    key: str,
    known_absent: bool,
    read: Callable[[], DataFrame | None],
) -> None:
    """Replace the rows that meet a condition, in one commit and file; the table is created if it does not exist.

    Such rows exist where a run died between this write and the next, is repeated, or runs twice at once.

    Args:
        spark: Session with Delta.
        place: Place of the table.
        rows: New rows.
        condition: SQL condition that they meet.
        key: Columns of which the files have statistics.
        known_absent: Whether it is known that no stored rows meet the condition; saves reading them.
        read: Function that returns the table; None if it does not exist.

    Raises:
        TableError: The table has other columns, or another process wrote to it at the same time.
    """
    rows = rows.coalesce(1)
    named = {"userMetadata": condition, _INDEXED: key}
    # If several processes find no such rows, Delta lets one of them append under this name; the others conflict with
    # it, or are skipped if they come later. Reading first halves the time of an overwrite, and a copy of a table does
    # not know the names of its appends.
    once = {"txnAppId": f"metaclip-spark/{condition}", "txnVersion": "0"}
    table = read()
    if table is not None and known_absent:
        # This append does not use that name, because Delta would then replay the log to find other appends, which takes
        # half the time of this write. If another process has appended the same meanwhile, at least the later one sees
        # two such commits.
        _save(place, rows, mode="append", options=named)
        last = last_commits(spark, place, _CONCURRENT_COMMITS)
        if [commit.run_id for commit in last].count(condition) == 1:
            return
    elif table is None or not table.where(condition).take(1):
        _save(place, rows, mode="append", options=named | once)
        if table is None or _has_rows(spark, place, condition, read):
            return
        # The append was skipped, and there are no such rows: they had been appended before, and deleted since.
    _save(place, rows, mode="overwrite", options=named | {"replaceWhere": condition})


def _has_rows(spark: SparkSession, place: TablePlace, condition: str, read: Callable[[], DataFrame | None]) -> bool:
    """Return whether a table that was just written has rows that meet a condition."""
    if last_commits(spark, place, 1)[0].run_id == condition:  # takes a quarter of the time of reading rows
        return True
    table = read()
    return table is not None and bool(table.where(condition).take(1))


def _save(place: TablePlace, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
    try:
        place.save(rows.write.format("delta").mode(mode).options(**options))
    except (PySparkException, Py4JJavaError) as error:
        if _CONCURRENT.search(str(error)):
            raise TableError(
                f"Another process wrote to {place.path} at the same time, perhaps the same run. Let it finish, then "
                "run again, which continues from the stored rows."
            ) from error
        if not isinstance(error, AnalysisException):
            raise
        raise TableError(
            f"The table {place.path} cannot be written: {failure_reason(error)}. Choose another root (--tables)."
        ) from error
