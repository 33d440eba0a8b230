"""Curate a pool: Algorithm 1 of "Demystifying CLIP Data" as two passes over the pool, written to a Delta table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.choose_t import choose_t
from metaclip_spark.curation.count_pool import count_pool, duplicated_ids, malformed_warning
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.metadata_checks import metadata_for_pool
from metaclip_spark.curation.report import curate_report
from metaclip_spark.curation.second_pass import NamedPool, check_passes_agree, second_pass
from metaclip_spark.curation.write_balanced import write_balanced
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.runs.frozen_counts import open_frozen_counts
from metaclip_spark.runs.identity import curation_identity
from metaclip_spark.runs.run import Run
from metaclip_spark.runs.stored_counts import NewCounts, load_counts, store_counts
from metaclip_spark.runs.stored_run import CURATE
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.schemas import CURATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.runs.report import CurateReport


def curate(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    root: str,
    config: CurateConfig | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Match, count and balance a pool into a Delta table in which every row records why it was kept.

    Algorithm 1: part 1 counts, for every entry, the captions that match it; part 2 keeps a caption if any of its
    entries is sampled, each with probability min(1, t / count). The result depends on the arguments alone: not on
    partitions, order, retries or the number of executors. A finished run is not run again; a run that failed late
    starts from its stored counts.

    Args:
        spark: A session with Delta.
        pool: Pool of captions.
        metadata: Compiled metadata, or compiled metadata by language.
        root: Root of the tables `curated`, `entry_counts`, `size_curve` and `runs`: a path, or a schema of the
            catalog (catalog.schema).
        config: Configuration of the balancing; None for the defaults.
        progress: Receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of the run, as stored with it.

    Raises:
        MetaclipSparkError: Before anything is written: the session, the pool, the metadata, the configuration or the
            tables cannot be used. Later: a job failed, or the pool changed. Each table then contains an old or a new
            version, the run is not recorded as finished, and the same call continues from what is stored.
    """
    config = config or CurateConfig()
    with Run.open(spark, root, CURATE, progress=progress) as run:
        with run.step("open"):
            opened = run.open_pool(pool)
            pool, languages = opened.pool, metadata_for_pool(metadata, opened.pool, config)
            frozen = open_frozen_counts(spark, config.counts, languages) if config.counts else None
            frozen_version = frozen.counts_version if frozen else None
            run.identify(curation_identity(pool, opened.source, languages, config, frozen_counts=frozen_version))
            if (finished := run.finished_report()) is not None:
                return with_id_check(opened, config, finished)
            run.check_replaceable(overwrite=config.overwrite)

        with SharedMetadata(spark, languages) as shared, row_bounded_batches(opened.rows):
            # Algorithm 1, part 1: count the captions that match each entry.
            with run.step("count"):
                counts = _stored_or_new_counts(run, opened, shared, languages)
                found = PoolRows(counts.read, counts.matched, counts.matches)
            if frozen is not None:
                frozen.copy_to(run.tables)
                counts = replace(counts, entries={name: frozen.entries[name] for name in counts.entries})

            # Algorithm 1, part 2: p = min(1, t / count); keep a caption if any of its entries is sampled.
            with run.step("choose t"):
                chosen = choose_t(run, config, rows=opened.rows, metadata=shared, counts=counts)
            with (
                run.step("balance"),
                balance_on_executors(spark, counts.entries, chosen.t, config.seed, chosen.reserve_t) as balance,
            ):
                statistics = statistics_of(spark)
                kept = second_pass(
                    [NamedPool(pool.name, opened)],
                    run.identity,
                    config,
                    shared=shared,
                    balance=balance,
                    statistics=statistics,
                )
                write_balanced(run, kept, chosen, file_layouts(config, [opened.source], found, counts.entries, chosen))
                figures = statistics.value
                run.note(f"{run.writes[CURATED].rows:,} rows kept at {chosen},")

        check_passes_agree(counts, figures, config, chosen)
        report = curate_report(run, config, counts, figures, chosen, metadata=languages, matches=found.matches)
        report = with_id_check(opened, config, report)
        return run.commit(report, {language: figures[language].curve for language in languages})


def _stored_or_new_counts(
    run: Run, opened: OpenPool, shared: SharedMetadata, metadata: Mapping[str, CompiledMetadata]
) -> PoolCounts:
    """Return the counts that an earlier run stored, or count the pool and store its counts."""
    stored = run.state.counts.get(run.identity.counts_version)
    if stored is not None:
        counts = load_counts(run.tables, stored, shared.n_entries)
    else:
        counts = count_pool(opened, run.identity.pool, shared)
        store_counts(run.tables, [NewCounts(run.identity, counts)], metadata, started_at=run.started_at)
    if (warning := malformed_warning(opened, counts, run.identity.pool)) is not None:
        run.warn(warning)
    run.note(counts.summary())
    return counts


def with_id_check(opened: OpenPool, config: CurateConfig, report: CurateReport) -> CurateReport:
    """Return the report with the number of duplicated ids, if it was requested and is not known yet."""
    if not config.check_ids or report.duplicated_ids is not None:
        return report
    with translated_job_errors():
        return replace(report, duplicated_ids=duplicated_ids(opened))
