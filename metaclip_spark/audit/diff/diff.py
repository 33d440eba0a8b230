"""What changed between two curations: entries by how far their counts moved, rows in and out by the reason."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.audit.diff.diff_report import CurationFigures, DiffReport, EntryMove, RowMove
from metaclip_spark.audit.diff.row_moves import why_moved
from metaclip_spark.audit.explain.pool_rows import open_run_pool, runs_that_read
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs.run_language import run_counts
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED, RUNS
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.runs.stored_run import StoredRun


@dataclass(frozen=True)
class _Curation:
    """One of the two: a version of a curated table, with the run that wrote it."""

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
    """From one curation to another: of two roots, or of two versions or runs of one.

    Rows are told by their uids, so both have to take these from the same column, or derive them.

    Args:
        spark: a session with Delta.
        before: root (a path, or catalog.schema) of the first one's tables.
        after: of the second one's.
        before_at: version of the curated table, or the run (its id, or the beginning) that wrote it; None: the newest.
        after_at: the same of the second.
        top: most entries that are listed.

    Raises:
        TableError: a root has no finished run, no such version or no such run.
        ConfigError: a negative number of entries, or two curations that tell rows by different ids.
    """
    check_session(spark)
    if top < 0:
        raise ConfigError(f"top = {top}: pass 0 or more")
    old, new = _opened(spark, before, before_at), _opened(spark, after, after_at)
    _refuse_other_ids(old, new)
    digests = old.run.metadata_digests, new.run.metadata_digests
    other = sorted(name for name in {**digests[0], **digests[1]} if digests[0].get(name) != digests[1].get(name))
    unread: list[str] = []
    with translated_job_errors(old.tables, new.tables), ExitStack() as stack:
        balances = [stack.enter_context(_balance(spark, side, set(digests[0]) - set(other))) for side in (old, new)]
        came = _moves(new, old, balances, set(digests[0]) - set(other), came=True, unread=unread)
        left = _moves(old, new, balances, set(digests[0]) - set(other), came=False, unread=unread)
        numbers, entries = _entry_moves(old, new, top)
        figures = [_figures(side) for side in (old, new)]
    return DiffReport(
        before=figures[0],
        after=figures[1],
        entries_changed=numbers[0],
        entries_new=numbers[1],
        entries_gone=numbers[2],
        entries=entries,
        came=came,
        left=left,
        stayed=figures[0].rows - sum(move.rows for move in left),
        other_metadata=other,
        pools_unread=unread,
    )


def _opened(spark: SparkSession, root: str, at: int | str | None) -> _Curation:
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        if tables.read(CURATED) is None:
            raise TableError(
                f"{tables.root} holds no curated table: curate a pool into it first, or name another folder"
            )
        if isinstance(at, str):
            at = _version_of(tables, at)
        version = tables.newest_version(CURATED) if at is None else at
        rows = tables.read(CURATED, version)
        if rows is None:
            raise TableError(f"{tables.path(CURATED)} is gone")
        return _Curation(tables, version, current_run(tables, version), rows)


def _refuse_other_ids(old: _Curation, new: _Curation) -> None:
    """Under other ids every row would seem to have come or gone, for reasons that are none."""
    columns = [
        {run.configuration["columns"]["uid"] for run in runs_that_read(side.tables, side.run)} for side in (old, new)
    ]
    if columns[0] & columns[1]:
        return
    told = [
        f"run {side.run.run_id} of {side.tables.root} "
        + " and ".join(
            "derives ids from URL and text" if name is None else f"has the ids of column {name!r}"
            for name in sorted(names, key=str)
        )
        for side, names in zip((old, new), columns, strict=True)
    ]
    raise ConfigError(
        f"{' but '.join(told)}: a row has another id in each, so that rows in and out cannot be told. Compare "
        "curations whose ids are of one kind; curate one of them again with the other's, under the same column name"
    )


def _version_of(tables: Tables, run_id: str) -> int:
    """The version of the curated table that a run wrote."""
    runs = tables.read(RUNS)
    known = [] if runs is None else runs.where("stage != 'count'").select("run_id", "output_versions").collect()
    found = [row for row in known if row.run_id.startswith(run_id) and CURATED in (row.output_versions or {})]
    if len(found) != 1:
        listed = ", ".join(row.run_id for row in known)
        raise TableError(
            f"{len(found)} finished runs of {tables.root} begin with {run_id!r}; there are {listed or 'none'}: name one"
        )
    return int(found[0].output_versions[CURATED])


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


def _moves(
    side: _Curation, other: _Curation, balances: list[Balance], comparable: set[str], *, came: bool, unread: list[str]
) -> list[RowMove]:
    """Rows of one table that the other does not have, by reason."""
    mine = side.rows.select(F.col("uid").cast("string").alias("uid"), "language", "matched_entries")
    theirs = other.rows.select(F.col("uid").cast("string").alias("uid"), "language")
    alone = mine.join(theirs, ["uid", "language"], "left_anti")
    reasons = why_moved(
        _with_pool(alone, side, other, unread), balances[0], balances[1], comparable=comparable, came=came
    )
    counted = reasons.groupBy("reason").agg(F.count("*").alias("rows"), F.min("uid").alias("example")).collect()
    return [RowMove(*row) for row in sorted(counted, key=lambda row: (-row.rows, row.reason))]


def _with_pool(alone: DataFrame, side: _Curation, other: _Curation, unread: list[str]) -> DataFrame:
    """Rows with `in_pool`: whether the other's pool has them.

    Where it read the same pools it has all of them; a pool that cannot be read is taken to have them.
    """
    read, of_other = ([run.source.digest for run in runs_that_read(part.tables, part.run)] for part in (side, other))
    if set(read) <= set(of_other):
        return alone.withColumn("in_pool", F.lit(True))  # noqa: FBT003 - a literal of SQL
    try:
        pool = open_run_pool(alone.sparkSession, other.tables, other.run)
    except InputError as error:
        unread.append(str(error))
        return alone.withColumn("in_pool", F.lit(True))  # noqa: FBT003
    uids = pool.select(F.col("uid").cast("string").alias("uid")).distinct().withColumn("found", F.lit(1))
    joined = alone.join(uids, "uid", "left")
    return joined.withColumn("in_pool", F.col("found").isNotNull())


def _entry_moves(old: _Curation, new: _Curation, top: int) -> tuple[tuple[int, int, int], list[EntryMove]]:
    """Numbers of entries that changed, are new, are gone; and those that moved most."""
    if old.run.counts_version == new.run.counts_version:
        return (0, 0, 0), []
    sides = [
        count_rows(side.tables, side.run.counts_version).select("language", "entry", F.col("count").alias(name))
        for side, name in ((old, "before"), (new, "after"))
    ]
    joined = sides[0].join(sides[1], ["language", "entry"], "full").na.fill(0, ["before", "after"])
    changed = joined.where("before != after")
    numbers = changed.agg(F.count("*"), F.count_if(F.col("before") == 0), F.count_if(F.col("after") == 0)).collect()[0]
    furthest = changed.orderBy(F.abs(F.col("after") - F.col("before")).desc(), "language", "entry").limit(top).collect()
    moves = [
        EntryMove(
            row.language,
            row.entry,
            row.before,
            row.after,
            _probability(old.run, row.language, row.before),
            _probability(new.run, row.language, row.after),
        )
        for row in furthest
    ]
    return (numbers[0], numbers[1], numbers[2]), moves


def _probability(run: StoredRun, language: str, count: int) -> float | None:
    return min(1.0, run.t[language] / count) if count else None
