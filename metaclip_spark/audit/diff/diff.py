"""Diff of two curations: rows added and removed, by reason, and entries whose counts changed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.audit.diff.diff_report import CurationFigures, DiffReport, EntryChange, RowChange
from metaclip_spark.audit.diff.row_changes import reasons_of_changes
from metaclip_spark.audit.explain.pool_rows import open_run_pool, runs_that_read
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs.run_language import run_counts
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.tables_state import current_run, stored_runs
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.runs.stored_run import StoredRun


@dataclass(frozen=True)
class _Curation:
    """A version of a curated table, with the run that wrote it."""

    tables: Tables
    version: int
    run: StoredRun
    rows: DataFrame


def diff(
    spark: SparkSession,
    before: str,
    after: str,
    *,
    before_at: int | str | None = None,
    after_at: int | str | None = None,
    top: int = 20,
) -> DiffReport:
    """Return the changes from one curation to another: of two roots, or of two versions or runs of one root.

    Rows are compared by uid, so both curations must take the uids from the same column, or derive them.

    Args:
        spark: Session that can read Delta tables.
        before: Root of the first curation's tables: a path, or catalog.schema.
        after: Root of the second curation's tables.
        before_at: Version of the first curated table, or the id (or its first characters) of the run that wrote it.
            None: the newest version.
        after_at: Version or run of the second curated table, as above.
        top: Maximum number of entries listed.

    Raises:
        TableError: A root has no finished run, no such version or no such run.
        ConfigError: `top` is negative, or the two curations identify rows by different ids.
    """
    check_session(spark)
    if top < 0:
        raise ConfigError(f"top = {top} is negative. Pass 0 or more.")
    old, new = _opened(spark, before, before_at), _opened(spark, after, after_at)
    _check_ids(old, new)
    digests = old.run.metadata_digests, new.run.metadata_digests
    other = sorted(name for name in {**digests[0], **digests[1]} if digests[0].get(name) != digests[1].get(name))
    comparable = set(digests[0]) - set(other)
    unread: list[str] = []
    with translated_job_errors(old.tables, new.tables), ExitStack() as stack:
        balances = [stack.enter_context(_balance(spark, side, comparable)) for side in (old, new)]
        added = _row_changes(new, old, balances, comparable, added=True, unread=unread)
        removed = _row_changes(old, new, balances, comparable, added=False, unread=unread)
        numbers, entries = _entry_changes(old, new, top)
        figures = [_figures(side) for side in (old, new)]
    return DiffReport(
        before=figures[0],
        after=figures[1],
        entries_changed=numbers[0],
        entries_added=numbers[1],
        entries_removed=numbers[2],
        entries=entries,
        rows_added=added,
        rows_removed=removed,
        rows_in_both=figures[0].rows - sum(change.rows for change in removed),
        languages_with_other_metadata=other,
        unreadable_pools=unread,
    )


def _opened(spark: SparkSession, root: str, at: int | str | None) -> _Curation:
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        if tables.read(CURATED) is None:
            raise TableError(
                f"{tables.root} has no curated table. Curate a pool into it first, or pass the root of other tables."
            )
        if isinstance(at, str):
            at = _version_of(tables, at)
        version = tables.newest_version(CURATED) if at is None else at
        rows = tables.read(CURATED, version)
        if rows is None:
            raise TableError(f"{tables.path(CURATED)} no longer exists.")
        return _Curation(tables, version, current_run(tables, version), rows)


def _check_ids(old: _Curation, new: _Curation) -> None:
    """Raise if the two identify rows by different ids: every row would then seem to be added or removed."""
    columns = [{run.pool.columns.uid for run in runs_that_read(side.tables, side.run)} for side in (old, new)]
    if columns[0] & columns[1]:
        return
    ids = [
        f"run {side.run.run_id} of {side.tables.root} "
        + " and ".join(
            "derives ids from URL and text" if name is None else f"takes ids from column {name!r}"
            for name in sorted(names, key=str)
        )
        for side, names in zip((old, new), columns, strict=True)
    ]
    raise ConfigError(
        f"The curations identify rows by different ids: {', but '.join(ids)}. Curate one of the pools again with the "
        "ids of the other, under the same column name."
    )


def _version_of(tables: Tables, run_id: str) -> int:
    """Return the version of the curated table that a run wrote.

    Args:
        tables: Tables of the root.
        run_id: Id of the run, or its first characters.
    """
    written = {run.run_id: run.output_versions for run in stored_runs(tables).values()}
    found = [name for name in written if name.startswith(run_id) and CURATED in written[name]]
    if len(found) != 1:
        raise TableError(
            f"{len(found)} runs of {tables.root} have an id that starts with {run_id!r} (ids: "
            f"{', '.join(written) or 'none'}). Pass the id of one run."
        )
    return int(written[found[0]][CURATED])


def _figures(side: _Curation) -> CurationFigures:
    return CurationFigures(
        root=side.tables.root,
        version=side.version,
        run_id=side.run.run_id,
        t=dict(side.run.t),
        seed=side.run.seed,
        counts_version=side.run.counts_version,
        read=side.run.counters["read"],
        rows=side.rows.count(),
    )


def _balance(spark: SparkSession, side: _Curation, languages: set[str]) -> AbstractContextManager[Balance]:
    counts = {language: run_counts(side.tables, side.run, language) for language in languages}
    return balance_on_executors(spark, counts, side.run.t, side.run.seed)


def _row_changes(
    side: _Curation, other: _Curation, balances: list[Balance], comparable: set[str], *, added: bool, unread: list[str]
) -> list[RowChange]:
    """Return the rows of one table that the other does not have, by reason."""
    own = side.rows.select(F.col("uid").cast("string").alias("uid"), "language", "matched_entries")
    others = other.rows.select(F.col("uid").cast("string").alias("uid"), "language")
    alone = _with_pool(own.join(others, ["uid", "language"], "left_anti"), side, other, unread)
    reasons = reasons_of_changes(alone, balances[0], balances[1], comparable=comparable, added=added)
    counted = reasons.groupBy("reason").agg(F.count("*").alias("rows"), F.min("uid").alias("example")).collect()
    return [RowChange(*row) for row in sorted(counted, key=lambda row: (-row.rows, row.reason))]


def _with_pool(alone: DataFrame, side: _Curation, other: _Curation, unread: list[str]) -> DataFrame:
    """Add the column `in_pool`: whether the pool of the other curation has the row.

    If the other curation read the same pools, it has all rows. A pool that cannot be read is assumed to have them; the
    reason is appended to `unread`.
    """
    own, others = ([run.source.digest for run in runs_that_read(part.tables, part.run)] for part in (side, other))
    if set(own) <= set(others):
        return alone.withColumn("in_pool", F.lit(True))  # noqa: FBT003 - a literal of SQL
    try:
        pool = open_run_pool(alone.sparkSession, other.tables, other.run)
    except InputError as error:
        unread.append(str(error))
        return alone.withColumn("in_pool", F.lit(True))  # noqa: FBT003
    uids = pool.select(F.col("uid").cast("string").alias("uid")).distinct().withColumn("found", F.lit(1))
    joined = alone.join(uids, "uid", "left")
    return joined.withColumn("in_pool", F.col("found").isNotNull())


def _entry_changes(old: _Curation, new: _Curation, top: int) -> tuple[tuple[int, int, int], list[EntryChange]]:
    """Return how many counts changed, rose from 0 and fell to 0, and the largest changes."""
    if old.run.counts_version == new.run.counts_version:
        return (0, 0, 0), []
    sides = [
        count_rows(side.tables, side.run.counts_version).select("language", "entry", F.col("count").alias(name))
        for side, name in ((old, "before"), (new, "after"))
    ]
    joined = sides[0].join(sides[1], ["language", "entry"], "full").na.fill(0, ["before", "after"])
    changed = joined.where("before != after")
    numbers = changed.agg(F.count("*"), F.count_if(F.col("before") == 0), F.count_if(F.col("after") == 0)).collect()[0]
    largest = changed.orderBy(F.abs(F.col("after") - F.col("before")).desc(), "language", "entry").limit(top).collect()
    changes = [
        EntryChange(
            row.language,
            row.entry,
            row.before,
            row.after,
            _probability(old.run, row.language, row.before),
            _probability(new.run, row.language, row.after),
        )
        for row in largest
    ]
    return (numbers[0], numbers[1], numbers[2]), changes


def _probability(run: StoredRun, language: str, count: int) -> float | None:
    return min(1.0, run.t[language] / count) if count else None
