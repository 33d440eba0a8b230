"""Re-balance a curated table at another t: by its own rows where they suffice, else by the second pass again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metaclip_spark.curation.checks import top_entries
from metaclip_spark.curation.choose_t import ChosenT, refuse_unfit_choice, reserve_thresholds, thresholds
from metaclip_spark.curation.curate import metadata_by_language
from metaclip_spark.curation.derived import (
    base_run,
    check_commit,
    counts_of,
    follow_up_report,
    refuse_other_metadata,
    stored_limits,
)
from metaclip_spark.curation.file_layouts import file_layouts, rows_behind
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_workers
from metaclip_spark.curation.rebalance.rows import rebalance_rows, with_origin
from metaclip_spark.curation.second_pass import all_rows, reopened_pools, second_pass, sources_of
from metaclip_spark.curation.write_balanced import empty_reserve, within, write_balanced
from metaclip_spark.errors import ConfigError, ConsistencyError
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.runs.frozen_counts import adopt, open_frozen
from metaclip_spark.runs.identity import (
    APPEND,
    BALANCE,
    RunPlan,
    begin_again,
    digest,
    record,
    refuse_other_rules,
    run_row,
)
from metaclip_spark.runs.size_curves import store_size_curves
from metaclip_spark.runs.stored_run import lineage, look, stored_rows
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_tasks
from metaclip_spark.spark.session import check_session
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.schemas import CURATED, RESERVE
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.runs.frozen_counts import FrozenCounts
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.stored_run import Found, StoredRun
    from metaclip_spark.tables.delta_log import Write


@dataclass(frozen=True)
class _Target:
    """Where a re-balance goes.

    Attributes:
        base: the run it starts from.
        plan: its own identity.
        config: with the new t.
        counts: of the pools, with the entries' counts that balance them: those stored with the base, or frozen ones.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
        by_rows: whether all the rows wanted are stored.
        layouts: of the files to be written.
        found: in the output.
    """

    base: StoredRun
    plan: RunPlan
    config: CurateConfig
    counts: PoolCounts
    t: Mapping[str, float]
    reserve_t: Mapping[str, float] | None
    by_rows: bool
    layouts: FileLayouts
    found: Found


def rebalance(
    spark: SparkSession,
    output: str,
    t: float,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None = None,
    *,
    counts: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Bring a curated table to another t, over the same counts and draws: row for row what a fresh run would keep.

    To a smaller t it is a filter, and up to the reserve's a move of rows: no pool is read. Beyond what is stored the
    pools are read again, in one pass with the stored counts. Selections are nested either way.

    With the counts of another curation (frozen counts) the pools are read again too: it is then what `curate` over all
    of them would keep with these counts.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the tables.
        t: threshold in matches, of the reference language (or the only one) as for `curate`.
        metadata: the lists that the table was curated with; needed only where t lies beyond what is stored,
            or for other counts.
        counts: output of another curation, or ROOT@COUNTS_VERSION, whose counts balance the rows from now on; None:
            those that balance them already.
        progress: receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of the run, as stored with it.

    Raises:
        MetaclipSparkError: there is no finished curated table, t or the metadata do not fit, or a pool that has to be
            read again has changed; the curated table is as it was then.
    """
    started_at, timer = dt.datetime.now(dt.UTC), Progress(progress, spark, BALANCE)
    check_session(spark)
    tables = Tables(spark, output)
    with timer.step("open"), translated_job_errors(tables):
        tables.check_root()
        found = look(tables)
        frozen = _frozen(spark, counts, metadata) if counts else None
        base = base_run(tables, found, lambda run: _plan(run, _config(run, t), frozen).run_id)
        config = _config(base, t)
        if frozen is not None:  # the base has to be of the same lists as these counts
            _metadata(base, metadata, t)
        chain = lineage(found.curations, base)
        target = _target(tables, base, config, found, frozen)
        if target.t == base.t and target.plan.balanced_by == base.counts_version:
            return replace(base.report, already_finished=True)
        refuse_other_rules(base)
        languages = None if target.by_rows else _metadata(base, metadata, t)
        if frozen is not None:
            adopt(tables, frozen)

    with timer.step("balance"), translated_job_errors(tables), watched_tasks(spark, timer):
        if languages is None:
            kept, writes = _by_rows(spark, tables, target)
        else:
            kept, writes = _by_pools(spark, tables, target, chain, languages)
        timer.note(f"{writes[CURATED].rows:,} rows kept at {ChosenT(target.t).in_words()},")
    with timer.step("record"), translated_job_errors(tables):
        check_commit(writes[CURATED], kept.kept, "the curated table")
        # Of a curation the whole curve is stored, and it does not depend on t; after an append it ends at what was.
        other_curve = target.plan.counts_version != base.counts_version or any(run.stage == APPEND for run in chain)
        if languages is not None and other_curve:
            store_size_curves(tables, target.plan, {name: kept[name].curve for name in languages})
    report = _report(tables, target, kept, writes, metadata=languages or {}, seconds=timer.seconds)
    with translated_job_errors(tables):
        record(tables, run_row(
            target.plan, stage=BALANCE, started_at=started_at, counters=report.counters,
            output_versions=report.output_versions, report=report, parent=base.run_id,
        ), new=target.plan.run_id not in found.curations)  # fmt: skip
    return report


def _config(base: StoredRun, t: float) -> CurateConfig:
    """The base's configuration at another t, in place of whatever chose the last; a reserve that t has reached ends."""
    before = base.config
    tail_share = None if before.t is None else before.tail_share
    config = replace(before, t=t, target_size=None, keep_share=None, tail_share=tail_share, reserve=None)
    refuse_unfit_choice(config, list(base.t))
    return replace(config, reserve=before.reserve) if before.reserve and before.reserve > t else config


def _frozen(
    spark: SparkSession, place: str, metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None
) -> FrozenCounts:
    if metadata is None:
        raise ConfigError(
            f"with the counts of {place} the pool has to be matched again: give the metadata that the table was "
            "curated with"
        )
    return open_frozen(spark, place, metadata if isinstance(metadata, Mapping) else {metadata.language: metadata})


def _plan(base: StoredRun, config: CurateConfig, frozen: FrozenCounts | None) -> RunPlan:
    identity = {"stage": BALANCE, "parent": base.run_id, "t": config.t}
    configuration = {**base.configuration, **config.identity()}
    version = base.counts_version
    if frozen is not None and frozen.counts_version != version:
        version = frozen.counts_version
        identity["counts"] = configuration["frozen"] = version
    return RunPlan(digest(identity), version, base.metadata_digests, configuration, base.source, base.pool)


def _target(
    tables: Tables, base: StoredRun, config: CurateConfig, found: Found, frozen: FrozenCounts | None
) -> _Target:
    plan, counts = _plan(base, config, frozen), counts_of(tables, base, found)
    is_recounted = plan.counts_version != base.counts_version
    stored = stored_limits(base, counts)
    if frozen is not None:
        counts = replace(counts, entries=frozen.entries)
    t = thresholds(counts, config, config.t)
    by_rows = not is_recounted and all(t[language] <= limit for language, limit in stored.items())
    reserve_t = reserve_thresholds(counts, config)
    if reserve_t and by_rows:  # after an append the reserve of a language may end below what its rule would give
        reserve_t = {name: max(t[name], min(limit, stored[name])) for name, limit in reserve_t.items()}
    layouts = file_layouts(
        config, sources_of(lineage(found.curations, base)), rows_behind(base), counts.entries, t=t, reserve_t=reserve_t
    )
    return _Target(base, plan, config, counts, t, reserve_t, by_rows, layouts, found)


def _metadata(
    base: StoredRun, metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None, t: float
) -> dict[str, CompiledMetadata]:
    if metadata is None:
        raise ConfigError(
            f"t = {t} lies beyond the rows that are stored (by language up to {base.stored_t()}), so that the pool has "
            "to be matched again: give the metadata that the table was curated with. A reserve holds rows ready"
        )
    languages = metadata_by_language(metadata, base.pool, base.config)
    refuse_other_metadata(base, languages)
    return languages


def _by_rows(spark: SparkSession, tables: Tables, target: _Target) -> tuple[BalanceStatistics, dict[str, Write]]:
    """From curated rows and reserve into curated rows and reserve."""
    rows = stored_rows(tables, target.base, target.found)
    kept_rows = {CURATED: rows.where(within(target.t))}
    if target.reserve_t is not None:
        kept_rows[RESERVE] = rows.where(within(target.reserve_t) & ~within(target.t))
    limit = target.reserve_t or target.t
    # The table that receives rows comes first: between the two commits no row is in neither.
    rising = any(target.t[language] > before for language, before in target.base.t.items())
    writes, figures = {}, {}
    begin_again(tables, target.plan, target.found.curations)
    with balance_on_workers(spark, target.counts.entries, target.t, target.config.seed, limit) as balance:
        for name in sorted(kept_rows, reverse=not rising):
            figures[name] = statistics_of(spark)
            again = with_origin(rebalance_rows(kept_rows[name], balance, figures[name]), {"run_id": target.plan.run_id})
            layout = target.layouts.curated if name == CURATED else target.layouts.reserve
            after = target.found.versions[name]
            writes[name] = tables.replace_table(name, again, run_id=target.plan.run_id, layout=layout, after=after)
    for name, found in figures.items():
        # The thresholds were computed anew: had the counts changed, rows would leave, or change sides.
        decided = found.value.kept if name == CURATED else found.value.matched - found.value.kept
        if not decided == found.value.matched == writes[name].rows:
            raise ConsistencyError(
                f"{found.value.matched} stored rows belong into {name} by their admission threshold, {decided} by "
                f"the counts {target.plan.counts_version}, and {writes[name].rows} were written: the tables "
                "were changed by somebody else; curate again"
            )
    if target.reserve_t is None:
        after = target.found.versions[RESERVE]
        empty_reserve(tables, run_id=target.plan.run_id, layout=target.layouts.reserve, after=after)
    return figures[CURATED].value, writes


def _by_pools(
    spark: SparkSession,
    tables: Tables,
    target: _Target,
    chain: list[StoredRun],
    languages: Mapping[str, CompiledMetadata],
) -> tuple[BalanceStatistics, dict[str, Write]]:
    """The second pass over every pool that the rows came from."""
    pools = reopened_pools(spark, chain)
    statistics = statistics_of(spark)
    with (
        SharedMetadata(spark, languages) as shared,
        row_bounded_batches(all_rows(pools)),
        balance_on_workers(spark, target.counts.entries, target.t, target.config.seed, target.reserve_t) as balance,
    ):
        rows = second_pass(pools, target.plan, shared, balance, statistics)
        chosen, after = ChosenT(target.t, target.reserve_t), target.found.versions
        begin_again(tables, target.plan, target.found.curations)
        writes = write_balanced(tables, rows, chosen, run_id=target.plan.run_id, layouts=target.layouts, after=after)
    figures: BalanceStatistics = statistics.value
    matched = target.base.report.matched
    if figures.matched != matched - target.base.counters["not_chosen"]:
        raise ConsistencyError(
            f"{figures.matched} rows matched, {matched} when they were counted: a pool changed; the run is not marked "
            "as finished: curate again when the pool is at rest"
        )
    return figures, writes


def _report(
    tables: Tables,
    target: _Target,
    kept: BalanceStatistics,
    writes: Mapping[str, Write],
    *,
    metadata: Mapping[str, CompiledMetadata],
    seconds: Mapping[str, float],
) -> CurateReport:
    base, by_rows = target.base, target.by_rows
    counts = "the stored counts" if target.plan.counts_version == base.counts_version else "frozen counts"
    way = "from the rows that were stored" if by_rows else f"by a second pass with {counts}"
    before = base.counters
    counters = {**before, "kept": kept.kept, "not_drawn": before["not_drawn"] + before["kept"] - kept.kept}
    report = follow_up_report(
        base, target.plan, t=target.t, reserve_t=target.reserve_t, entries=target.counts.entries,
        kept={name: kept[name].kept for name in target.t}, writes=writes, tables=tables,
        stage=BALANCE, counters=counters, seconds=dict(seconds),
        expected_size=None if by_rows else kept.expected_size,
        expected_deviation=None if by_rows else kept.expected_deviation,
        origin=f"Re-balanced from {ChosenT(base.t).in_words()} (run {base.run_id}), {way}.",
    )  # fmt: skip
    top = {name: top_entries(target.counts.entries[name], own) for name, own in metadata.items()}
    languages = {
        name: replace(own, top_entries=top.get(name, own.top_entries)) for name, own in report.languages.items()
    }
    return replace(report, languages=languages)
