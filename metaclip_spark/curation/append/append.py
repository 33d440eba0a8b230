"""Append a pool to a curated table: equal, row for row, to one run over all pools, without reading the old ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.curation.append.checks import is_appended, refuse_other_columns, refuse_unfit_base
from metaclip_spark.curation.append.parts import Appended, Balanced, Figures
from metaclip_spark.curation.append.report import append_report, appended_curves
from metaclip_spark.curation.checks import check_source
from metaclip_spark.curation.choose_t import ChosenT, reserve_thresholds, thresholds
from metaclip_spark.curation.count_pool import count_pool, warn_of_malformed
from metaclip_spark.curation.curate import metadata_by_language
from metaclip_spark.curation.derived import (
    base_run,
    check_commit,
    counts_of,
    refuse_other_metadata,
    stored_limits,
)
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts, rows_behind, side_by_side
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_workers
from metaclip_spark.curation.rebalance.rows import rebalance_rows, with_origin
from metaclip_spark.curation.second_pass import NamedPool, reopened_pools, second_pass, sources_of
from metaclip_spark.curation.write_balanced import within, write_balanced
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.pools.open_pool import check_tables_outside, open_pool
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.runs.identity import (
    APPEND,
    RunPlan,
    begin_again,
    digest,
    plan_by_digests,
    record,
    refuse_other_rules,
    run_row,
)
from metaclip_spark.runs.size_curves import store_size_curves
from metaclip_spark.runs.stored_counts import Counted, load_counts, store_counts
from metaclip_spark.runs.stored_run import lineage, look, stored_rows
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_tasks
from metaclip_spark.spark.session import check_session
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.tables.delta_log import Write


def append(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    output: str,
    *,
    frozen: bool = False,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Let another pool join a curated table.

    Counts only grow when a pool joins, so admission thresholds only rise: the old rows that stay are among those that
    are there. Their thresholds are computed anew from the matches and draws they keep, and only the new pool is
    matched. The result is that of one run over all pools, row for row. Where the t of a language follows from the tail
    share and rises above what is stored, the old pools are read again for that language; a reserve avoids that.

    Args:
        spark: a session with Delta.
        pool: the new captions, with the columns of the pools before.
        metadata: the lists that the table was curated with.
        output: root (a path, or catalog.schema) of the tables.
        frozen: balance the new rows by the counts that are there, in which entries that never matched count as 1, and
            leave the old rows as they are.
        progress: receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of all pools together, as stored with the run.

    Raises:
        MetaclipSparkError: the pool does not fit the table, is part of it already, or cannot be used; the curated table
            is as it was then.
    """
    started_at, timer = dt.datetime.now(dt.UTC), Progress(progress, spark, APPEND)
    check_session(spark)
    tables = Tables(spark, output)
    with timer.step("open"), translated_job_errors(tables):
        check_tables_outside(pool, tables.folder)
        tables.check_root()
        found = look(tables)
        opened = open_pool(spark, pool)
        pool = opened.pool
        base = base_run(tables, found, lambda run: _plans(run, pool, opened.source, frozen=frozen)[0].run_id)
        chain = lineage(found.curations, base)
        if is_appended(chain, pool, opened.source, frozen=frozen):
            return replace(base.report, already_finished=True)
        refuse_other_rules(base)
        refuse_unfit_base(base, frozen=frozen)
        languages = metadata_by_language(metadata, pool, base.config)
        refuse_other_metadata(base, languages)
        stored = stored_rows(tables, base, found)
        refuse_other_columns(stored.schema, opened.rows.schema)
        plan, own = _plans(base, pool, opened.source, frozen=frozen)
        asked = Appended(base, chain, plan, own, NamedPool(pool.name, opened), frozen, found, stored)

    # Old rows have the columns of the new pool, and the few that say why they are there.
    with translated_job_errors(tables), SharedMetadata(spark, languages) as shared, row_bounded_batches(opened.rows):
        with timer.step("count"), watched_tasks(spark, timer):
            balanced = _counted(tables, asked, shared, languages, started_at)
            timer.note(balanced.added.summary())
            warned = [*opened.source.warnings, *warn_of_malformed(opened, balanced.added, pool)]
        with timer.step("balance"), watched_tasks(spark, timer):
            figures, writes = _balance(spark, tables, asked, balanced, shared)
            timer.note(f"{writes[CURATED].rows:,} rows kept at {ChosenT(balanced.t).in_words()},")

    with timer.step("record"), translated_job_errors(tables):
        check_source(spark, own)
        _check(balanced, figures, writes)
        curves, known_to = appended_curves(tables, asked, balanced, figures)
        store_size_curves(tables, plan, curves, known_to)
    report = append_report(
        tables, asked, balanced, figures, writes, metadata=languages, seconds=timer.seconds, warnings=warned
    )
    with translated_job_errors(tables):
        record(tables, run_row(
            plan, stage=APPEND, started_at=started_at, counters=report.counters,
            output_versions=report.output_versions, report=report, parent=base.run_id,
        ), new=plan.run_id not in found.curations)  # fmt: skip
    return report


def _plans(base: StoredRun, pool: Pool, source: Source, *, frozen: bool) -> tuple[RunPlan, RunPlan]:
    """Identities of the append and of the new pool's own counts."""
    settled = base.settled_config()
    own = plan_by_digests(pool, source, base.metadata_digests, settled)
    run_id = digest({"stage": APPEND, "parent": base.run_id, "added": own.run_id, "frozen": frozen})
    counts_version = digest({"counts": base.counts_version, "added": own.counts_version})
    kept_frozen = frozen or base.frozen
    return replace(
        own,
        run_id=run_id,
        counts_version=base.counts_version if frozen else counts_version,
        configuration=own.configuration | {"frozen": kept_frozen},
    ), own


def _counted(
    tables: Tables,
    asked: Appended,
    shared: SharedMetadata,
    languages: Mapping[str, CompiledMetadata],
    started_at: dt.datetime,
) -> Balanced:
    """Count the new pool, add the counts before, and let the thresholds follow."""
    known = asked.found.counts
    new: list[Counted] = []
    if asked.own.counts_version in known:
        added = load_counts(tables, known[asked.own.counts_version], shared.n_entries)
    else:
        added = count_pool(asked.new.opened, asked.own.pool, shared)
        new.append(Counted(asked.own, added))
    counts = counts_of(tables, asked.base, asked.found)
    stored = stored_limits(asked.base, counts)
    if not asked.frozen:
        counts = counts.plus(added)
        if asked.plan.counts_version not in known:
            new.append(Counted(asked.plan, counts, parent=asked.base.counts_version))
    if new:
        store_counts(tables, new, languages, started_at=started_at)
    config = asked.base.settled_config()
    t = thresholds(counts, config, config.t)
    read_again = tuple(name for name in t if t[name] > stored[name])
    by_rule = reserve_thresholds(counts, config)
    # No row is stored above these: what was dropped before is known only where the old pools are read again. A t that
    # follows the tail share may overtake the rule's limit, and rows up to it are kept all the same.
    reserve_t = by_rule and {
        name: max(t[name], limit if name in read_again else min(limit, stored[name])) for name, limit in by_rule.items()
    }
    return Balanced(added, counts, t, reserve_t, stored, read_again)


def _balance(
    spark: SparkSession, tables: Tables, asked: Appended, balanced: Balanced, shared: SharedMetadata
) -> tuple[Figures, dict[str, Write]]:
    """Old rows by what they keep of themselves, new ones by matching, all of them in one commit."""
    old_figures, new_figures = statistics_of(spark), statistics_of(spark)
    again = reopened_pools(spark, asked.chain) if balanced.read_again else []
    config = asked.base.config
    with (
        balance_on_workers(spark, balanced.counts.entries, balanced.t, config.seed, balanced.reserve_t) as balance,
    ):
        new_rows = second_pass([asked.new], asked.plan, shared, balance, new_figures)
        old_rows = asked.stored
        if not asked.frozen:
            rows = old_rows.where(~F.col("language").isin(*balanced.read_again)) if again else old_rows
            old_rows = rebalance_rows(rows, balance, old_figures)
        origin = {"run_id": asked.plan.run_id, "counts_version": asked.plan.counts_version}
        parts = [with_origin(old_rows, origin), new_rows]
        if again:
            pools = [_of_languages(pool, balanced.read_again) for pool in again]
            parts.append(second_pass(pools, asked.plan, shared, balance, old_figures))
        layouts = _layouts_of_parts(asked, balanced)
        rows, whole = side_by_side(list(zip(parts, layouts, strict=True)), reserve=balanced.reserve_t is not None)
        run_id = asked.plan.run_id
        chosen, after = ChosenT(balanced.t, balanced.reserve_t), asked.found.versions
        begin_again(tables, asked.plan, asked.found.curations)
        writes = write_balanced(tables, rows, chosen, run_id=run_id, layouts=whole, after=after)
    old = old_figures.value
    old_kept = _by_language(asked) if asked.frozen else {name: old[name].kept for name in balanced.t}
    return Figures(old, new_figures.value, old_kept), writes


def _layouts_of_parts(asked: Appended, balanced: Balanced) -> list[FileLayouts]:
    """Layouts of the old rows, of the new ones, and of those from pools that are read again, if there are any."""
    config, counts, old_pools = asked.base.config, balanced.counts.entries, sources_of(asked.chain)

    def layouts(pools: Sequence[Source], rows: PoolRows) -> FileLayouts:
        return file_layouts(config, pools, rows, counts, t=balanced.t, reserve_t=balanced.reserve_t)

    before, added = rows_behind(asked.base), balanced.added
    stored = before.only(balanced.t.keys() - set(balanced.read_again))
    new = PoolRows(added.read, added.matched, added.matches)
    again = [layouts(old_pools, before.only(balanced.read_again))] if balanced.read_again else []
    return [layouts(old_pools, stored), layouts([asked.new.opened.source], new), *again]


def _by_language(asked: Appended) -> dict[str, int]:
    """Old rows of the curated table as they are now: some may have been deleted since their run."""
    found = asked.stored.where(within(asked.base.t)).groupBy("language").count().collect()
    return dict.fromkeys(asked.base.t, 0) | {row.language: row["count"] for row in found}


def _of_languages(pool: NamedPool, languages: Sequence[str]) -> NamedPool:
    rows = pool.opened.rows
    if "language" not in rows.columns:  # the only one, or the pool would not fit the metadata
        return pool
    return pool._replace(opened=replace(pool.opened, rows=rows.where(rows.language.isin(*languages))))


def _check(balanced: Balanced, figures: Figures, writes: Mapping[str, Write]) -> None:
    """Rows counted, drawn and written have to agree.

    Raises:
        ConsistencyError: they do not.
    """
    matched = sum(balanced.added.matched.values())
    if figures.new.matched != matched:
        raise ConsistencyError(
            f"{matched} rows of the new pool matched in the first pass, {figures.new.matched} in the second: it "
            "changed; the run is not marked as finished: append again when the pool is at rest"
        )
    check_commit(writes[CURATED], sum(figures.old_kept.values()) + figures.new.kept, "the curated table")
