"""Before a run is marked as whole: its figures have to reconcile, and its pool must be the one that was counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.balancing.head_tail import head_tail, tail_share
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.pools.source import identify
from metaclip_spark.runs.report import CurateReport, LanguageReport
from metaclip_spark.tables.schemas import ENTRY_COUNTS, RESERVE, RUNS, SIZE_CURVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.tables import Tables

_TOP = 20


def check_source(spark: SparkSession, plan: RunPlan) -> None:
    """Refuse to finish where files came, went or changed between the passes (a Delta version cannot).

    Raises:
        ConsistencyError: they did.
    """
    if plan.source.pinned:
        return
    now = identify(spark, plan.pool)
    if now.digest != plan.source.digest:
        raise ConsistencyError(
            f"the pool {', '.join(plan.pool.paths)} changed while it was read (from {plan.source.description} to "
            f"{now.description}): run {plan.run_id} is not marked as finished; curate again when the pool is at rest"
        )


def check_written(
    write: Write, counts: PoolCounts, statistics: BalanceStatistics, config: CurateConfig, chosen: ChosenT
) -> None:
    """Rows that the passes saw, drew and wrote, and those that t was chosen for, have to agree.

    Raises:
        ConsistencyError: they do not.
    """
    matched = sum(counts.matched.values())
    if write.rows != statistics.kept:
        raise ConsistencyError(
            f"{statistics.kept} rows were drawn, but version {write.version} of the curated table has {write.rows}: "
            "the run is not marked as finished; curate again"
        )
    seen = statistics.matched
    if seen > matched or (seen < matched and config.texts_per_image == "all_pairs"):
        raise ConsistencyError(
            f"{matched} rows matched in the first pass, {seen} in the second: the pool changed; version "
            f"{write.version} of the curated table is not marked as finished: curate again when the pool is at rest"
        )
    if chosen.rows not in {None, write.rows}:
        raise ConsistencyError(
            f"t was chosen to keep {chosen.rows} rows, but version {write.version} of the curated table has "
            f"{write.rows}: the pool changed; the run is not marked as finished: curate again when it is at rest"
        )


def build_report(
    tables: Tables,
    plan: RunPlan,
    config: CurateConfig,
    *,
    counts: PoolCounts,
    matches: int,
    chosen: ChosenT,
    statistics: BalanceStatistics,
    metadata: Mapping[str, CompiledMetadata],
    counts_reused: bool,
    writes: Mapping[str, Write],
    seconds: Mapping[str, float],
    warnings: Sequence[str] = (),
) -> CurateReport:
    """The figures of a run whose tables are written."""
    return CurateReport(
        run_id=plan.run_id,
        counts_version=plan.balanced_by,
        already_finished=False,
        counts_reused=counts_reused,
        counters=_reconciled(counts, statistics),
        matches=matches,
        expected_size=statistics.expected_size,
        expected_deviation=statistics.expected_deviation,
        languages={
            language: replace(
                _language_report(counts, language, chosen.t[language], statistics, metadata[language]),
                reserve_t=chosen.reserve_t[language] if chosen.reserve_t else None,
            )
            for language in metadata
        },
        tables={name: tables.path(name) for name in (*writes, ENTRY_COUNTS, SIZE_CURVE, RUNS)},
        output_versions={name: write.version for name, write in writes.items()},
        seconds=dict(seconds),
        seed=config.seed,
        texts_per_image=config.texts_per_image,
        wanted_rows=chosen.wanted,
        source=plan.source.description,
        warnings=list(warnings),
        reserved=writes[RESERVE].rows if RESERVE in writes else 0,
    )


def _reconciled(counts: PoolCounts, statistics: BalanceStatistics) -> dict[str, int]:
    drawn = statistics.matched - statistics.no_identity
    counters = {
        "read": counts.read,
        "malformed": counts.malformed,
        "null": counts.null,
        "empty": counts.empty,
        "language_without_metadata": counts.language_without_metadata,
        "unmatched": sum(counts.unmatched.values()),
        "no_identity": statistics.no_identity,
        "not_chosen": sum(counts.matched.values()) - statistics.matched,
        "not_drawn": drawn - statistics.kept,
        "kept": statistics.kept,
    }
    fates = sum(counters.values()) - counters["read"]
    if fates != counters["read"]:
        raise ConsistencyError(f"{counters['read']} rows were read, but {fates} are accounted for: {counters}")
    return counters


def _language_report(
    counts: PoolCounts, language: str, t: float, statistics: BalanceStatistics, compiled: CompiledMetadata
) -> LanguageReport:
    own = counts.entries[language]
    figures = head_tail(own, t)
    return LanguageReport(
        t=t,
        entries=compiled.n_entries,
        head=figures.head,
        tail=figures.tail,
        never=figures.never,
        matches=figures.matches,
        head_matches=figures.head_matches,
        tail_share=float(tail_share(own, t)) if figures.matches else 0.0,
        matched=counts.matched[language],
        kept=statistics[language].kept,
        top_entries=top_entries(own, compiled),
    )


def top_entries(counts: NDArray[np.int64], compiled: CompiledMetadata) -> list[tuple[str, int]]:
    """The highest counts, equal ones by id."""
    ids = np.lexsort((np.arange(counts.size), -counts))[:_TOP]
    return [(compiled.entry(int(entry)), int(counts[entry])) for entry in ids if counts[entry]]
