"""Curate a pool: Algorithm 1 of "Demystifying CLIP Data" as two passes over a table, and a table as its result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.curation.checks import build_report, check_source, check_written
from metaclip_spark.curation.choose_t import choose_t, refuse_unfit_choice
from metaclip_spark.curation.count_pool import count_pool, duplicated_ids, warn_of_malformed
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_workers
from metaclip_spark.curation.second_pass import NamedPool, second_pass
from metaclip_spark.curation.write_balanced import write_balanced
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.pools.open_pool import check_tables_outside, open_pool
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.runs.frozen_counts import balancing_counts, open_frozen
from metaclip_spark.runs.identity import (
    COUNT,
    CURATE,
    begin_again,
    earlier_runs,
    finished_report,
    plan_run,
    record,
    refuse_another_result,
    run_row,
)
from metaclip_spark.runs.size_curves import store_size_curves
from metaclip_spark.runs.stored_counts import Counted, load_counts, store_counts
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_tasks
from metaclip_spark.spark.session import check_session
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.schemas import CURATED, RESERVE
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Row, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.runs.report import CurateReport


def curate(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    output: str,
    config: CurateConfig | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Match, count and balance a pool into a Delta table in which every row says why it is there.

    Algorithm 1: part 1 counts, for every entry, the captions that hold it; part 2 keeps a caption if any of its entries
    fires, each with probability min(1, t / count). The result depends on the arguments alone: not on partitions, order,
    retries or the number of executors. A finished run is not done again; one that failed late starts from its counts.

    Args:
        spark: a session with Delta.
        pool: where the captions are.
        metadata: the compiled entry list, or one by language.
        output: root of the tables `curated`, `entry_counts`, `size_curve` and `runs`: a path, or a schema of the
            catalog, named catalog.schema.
        config: how to balance.
        progress: receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of the run, as stored with it.

    Raises:
        MetaclipSparkError: the session, the pool, the metadata, the configuration or the output cannot be used: nothing
            has been written then. Or a job failed, or the pool changed meanwhile: each table holds an old or a new
            version then, whole, but the run is not in `runs`; the same call goes on from what is stored.
    """
    started_at, config = dt.datetime.now(dt.UTC), config or CurateConfig()
    check_session(spark)
    tables, timer = Tables(spark, output), Progress(progress, spark, CURATE)
    with timer.step("open"), translated_job_errors(tables):
        check_tables_outside(pool, tables.folder)
        tables.check_root()
        opened = open_pool(spark, pool)
        pool = opened.pool
        languages = metadata_by_language(metadata, pool, config)
        frozen = open_frozen(spark, config.counts, languages) if config.counts else None
        plan = plan_run(pool, opened.source, languages, config, frozen=frozen.counts_version if frozen else None)
        earlier = earlier_runs(tables, plan)
        states = {name: tables.state(name) for name in (CURATED, RESERVE)}
        writer = states[CURATED].run_id
        if (done := finished_report(plan, earlier, writer)) is not None:
            return with_id_check(opened, config, done)
        refuse_another_result(tables, plan, writer, overwrite=config.overwrite)

    with translated_job_errors(tables), SharedMetadata(spark, languages) as shared, row_bounded_batches(opened.rows):
        # Algorithm 1, part 1: how many captions hold each entry.
        with timer.step("count"), watched_tasks(spark, timer):
            counts = _counted(tables, plan, earlier.get(COUNT), opened, shared, metadata=languages, begun=started_at)
            timer.note(counts.summary())
            warned = [*opened.source.warnings, *warn_of_malformed(opened, counts, pool)]

        # Algorithm 1, part 2: keep a caption if any of its entries fires.
        found = PoolRows(counts.read, counts.matched, counts.matches)
        with timer.step("choose t"), watched_tasks(spark, timer):
            counts = balancing_counts(tables, counts, frozen)
            chosen = choose_t(tables, plan, config, rows=opened.rows, metadata=shared, counts=counts)
        with timer.step("balance"), watched_tasks(spark, timer):
            statistics = statistics_of(spark)
            layouts = file_layouts(
                config, [opened.source], found, counts.entries, t=chosen.t, reserve_t=chosen.reserve_t
            )
            with balance_on_workers(spark, counts.entries, chosen.t, config.seed, chosen.reserve_t) as balance:
                kept = second_pass([NamedPool(pool.name, opened)], plan, shared, balance, statistics)
                after = {name: state.version for name, state in states.items()}
                begin_again(tables, plan, earlier)
                writes = write_balanced(tables, kept, chosen, run_id=plan.run_id, layouts=layouts, after=after)
                figures = statistics.value
            timer.note(f"{writes[CURATED].rows:,} rows kept at {chosen.in_words()},")

    # The pass that writes the rows measures the curve, so it follows them; the run's own row comes last: it is whole.
    with timer.step("record"), translated_job_errors(tables):
        check_source(spark, plan)
        check_written(writes[CURATED], counts, figures, config, chosen)
        store_size_curves(tables, plan, {name: figures[name].curve for name in languages})
    report = with_id_check(opened, config, build_report(
        tables, plan, config, counts=counts, matches=found.matches, chosen=chosen, statistics=figures,
        metadata=languages, counts_reused=COUNT in earlier, writes=writes, seconds=timer.seconds, warnings=warned,
    ))  # fmt: skip
    with translated_job_errors(tables):
        record(tables, run_row(
            plan, stage=CURATE, started_at=started_at, counters=report.counters,
            output_versions=report.output_versions, report=report,
        ), new=CURATE not in earlier)  # fmt: skip
    return report


def _counted(
    tables: Tables,
    plan: RunPlan,
    finished: Row | None,
    opened: OpenPool,
    shared: SharedMetadata,
    *,
    metadata: Mapping[str, CompiledMetadata],
    begun: dt.datetime,
) -> PoolCounts:
    """The pool's counts: those that an earlier run left, or of a pass over it, and stored then."""
    if finished is not None:
        return load_counts(tables, finished, shared.n_entries)
    counts = count_pool(opened, plan.pool, shared)
    store_counts(tables, [Counted(plan, counts)], metadata, started_at=begun)
    return counts


def with_id_check(opened: OpenPool, config: CurateConfig, report: CurateReport) -> CurateReport:
    """The report with the number of duplicated ids, if that is asked for and not known yet."""
    if not config.check_ids or report.duplicated_ids is not None:
        return report
    with translated_job_errors():
        return replace(report, duplicated_ids=duplicated_ids(opened))


def metadata_by_language(
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata], pool: Pool, config: CurateConfig
) -> dict[str, CompiledMetadata]:
    """Metadata by language, checked to fit the pool and the configuration.

    Raises:
        InputError: there is none, or some that can match nothing.
        ConfigError: several languages and no column that tells them apart, or a configuration that does not fit.
    """
    languages = dict(metadata) if isinstance(metadata, Mapping) else {metadata.language: metadata}
    if not languages:
        raise InputError("there is no metadata: give the compiled entry list of at least one language")
    for language, compiled in languages.items():
        if not compiled.report.counts[EntryFate.MATCHABLE]:
            raise InputError(
                f"the metadata of {language!r} has {compiled.n_entries} entries, none of which can match any caption"
            )
    if len(languages) > 1 and pool.columns.language is None:
        raise ConfigError(
            f"The metadata is of several languages ({', '.join(languages)}), but the pool {', '.join(pool.paths)} has "
            "no language column. Name the column that tells each caption's language (--language-column), or pass the "
            "metadata of one language."
        )
    refuse_unfit_choice(config, list(languages))
    if config.texts_per_image == "one_text_per_image" and pool.columns.image_url is None:
        raise ConfigError(
            f"The pool {', '.join(pool.paths)} has no URL column, by which one text per image could be chosen. Name "
            "the column (--url-column), or keep all pairs (--texts-per-image all_pairs)."
        )
    return languages
