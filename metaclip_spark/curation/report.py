"""Figures of runs that write a curated table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from metaclip_spark.core.balancing.head_tail import head_tail, tail_share
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.report import CurateReport, LanguageReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.runs.run import Run
    from metaclip_spark.runs.stored_run import StoredRun

_TOP: Final = 20


def curate_report(
    run: Run,
    config: CurateConfig,
    counts: PoolCounts,
    statistics: BalanceStatistics,
    chosen: ChosenT,
    *,
    metadata: Mapping[str, CompiledMetadata],
    matches: int,
) -> CurateReport:
    """Return the figures of a curation whose rows are written.

    Args:
        run: The run.
        config: Configuration of the run.
        counts: Rows of the pool by outcome, with the entry counts that balanced them.
        statistics: Figures of the second pass.
        chosen: Thresholds of the run.
        metadata: Compiled metadata by language.
        matches: Number of matches of the pool; an entry counts once per caption.

    Raises:
        ConsistencyError: The rows read are not the sum of the rows by outcome.
    """
    languages = {
        language: LanguageReport(
            entries=compiled.n_entries,
            matched=counts.matched[language],
            kept=statistics[language].kept,
            top_entries=top_entries(counts.entries[language], compiled),
            **_balance_figures(counts.entries[language], chosen, language),
        )
        for language, compiled in metadata.items()
    }
    return CurateReport(
        counters=_counters(counts, statistics),
        matches=matches,
        expected_size=statistics.expected_size,
        expected_deviation=statistics.expected_deviation,
        languages=languages,
        counts_reused=run.identity.counts_version in run.state.counts,
        seed=config.seed,
        texts_per_image=config.texts_per_image,
        target_rows=chosen.target_rows,
        source=run.identity.source.description,
    )


def derived_report(
    parent: StoredRun,
    chosen: ChosenT,
    entries: Mapping[str, NDArray[np.int64]],
    kept: Mapping[str, int],
    metadata: Mapping[str, CompiledMetadata],
    **changes: Any,
) -> CurateReport:
    """Return the report of a derived run: the report of its parent with the changed fields.

    Args:
        parent: The run it started from.
        chosen: Thresholds of the derived run.
        entries: Entry counts by language.
        kept: Kept rows by language.
        metadata: Metadata by language, for the texts of the top entries; languages without it keep the parent's.
        changes: Other fields of the report.
    """
    languages = {
        language: replace(
            before,
            kept=kept[language],
            top_entries=(
                top_entries(entries[language], metadata[language]) if language in metadata else before.top_entries
            ),
            **_balance_figures(entries[language], chosen, language),
        )
        for language, before in parent.report.languages.items()
    }
    # The parent's t may have been chosen for a size; the derived run has another t, or other rows.
    return replace(
        parent.report, languages=languages, already_finished=False, counts_reused=False, target_rows=None, **changes
    )


def top_entries(counts: NDArray[np.int64], metadata: CompiledMetadata) -> list[tuple[str, int]]:
    """Return the entries with the highest counts, and these counts; entries with equal counts are in order of id."""
    ids = np.lexsort((np.arange(counts.size), -counts))[:_TOP]
    return [(metadata.entry(int(entry)), int(counts[entry])) for entry in ids if counts[entry]]


def _balance_figures(counts: NDArray[np.int64], chosen: ChosenT, language: str) -> dict[str, Any]:
    """Return the fields of a language's report that follow from its counts and thresholds."""
    t = chosen.t[language]
    figures = head_tail(counts, t)
    return {
        "t": t,
        "head": figures.head,
        "tail": figures.tail,
        "never_matched": figures.never_matched,
        "matches": figures.matches,
        "head_matches": figures.head_matches,
        "tail_share": float(tail_share(counts, t)) if figures.matches else 0.0,
        "reserve_t": chosen.reserve_t[language] if chosen.reserve_t else None,
    }


def _counters(counts: PoolCounts, statistics: BalanceStatistics) -> dict[str, int]:
    counters = {
        "read": counts.read,
        "malformed": counts.malformed,
        "null": counts.null,
        "empty": counts.empty,
        "language_without_metadata": counts.language_without_metadata,
        "unmatched": sum(counts.unmatched.values()),
        "no_identity": statistics.no_identity,
        "not_chosen": sum(counts.matched.values()) - statistics.matched,
        "not_drawn": statistics.matched - statistics.no_identity - statistics.kept,
        "kept": statistics.kept,
    }
    outcomes = sum(counters.values()) - counters["read"]
    if outcomes != counters["read"]:
        raise ConsistencyError(
            f"{counters['read']} rows were read, but {outcomes} are accounted for: {counters}. Run again; if it "
            "happens again, report it as a bug."
        )
    return counters
