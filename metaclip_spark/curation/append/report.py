"""Figures of an append: a report on all pools together, and a size curve with the t up to which it is complete."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.core.balancing.size_curve import SizeCurve, edge_at_most
from metaclip_spark.curation.report import derived_report
from metaclip_spark.tables.schemas import SIZE_CURVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.append.parts import AppendBalance, AppendFigures, AppendPlan
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.run import Run


def appended_curves(
    run: Run, plan: AppendPlan, balanced: AppendBalance, figures: AppendFigures
) -> tuple[dict[str, SizeCurve], dict[str, float | None]]:
    """Return the curve of all pools by language, and the greatest t up to which each is complete.

    For old rows that were dropped earlier, the thresholds at the new counts are unknown, but they are above the stored
    limit. The curve is exact up to that limit and is truncated there.

    Returns:
        The curves, and by language the edge where each is truncated; None if it contains every matched row.
    """
    if plan.frozen:
        return _frozen_curves(run, plan, figures)
    languages = balanced.chosen.t
    complete = {name for name in languages if name in balanced.read_again or math.isinf(balanced.stored[name])}
    complete_to = {name: None if name in complete else edge_at_most(balanced.stored[name]) for name in languages}
    curves = {name: figures.old[name].curve.merge(figures.new[name].curve) for name in languages}
    return {name: _up_to(curve, complete_to[name]) for name, curve in curves.items()}, complete_to


def _frozen_curves(
    run: Run, plan: AppendPlan, figures: AppendFigures
) -> tuple[dict[str, SizeCurve], dict[str, float | None]]:
    """Add the new rows to the stored curve of the old ones, which is still valid because the counts are the same."""
    stored = run.tables.read(SIZE_CURVE)
    rows = [] if stored is None else stored.where(stored.counts_version == plan.identity.counts_version).collect()
    complete_to, curves = {}, {}
    is_stored = any(row.run_id == plan.identity.run_id for row in rows)  # an earlier attempt of this run stored it
    for language in plan.parent.t:
        own = [row for row in rows if row.language == language]
        complete_to[language] = own[0].complete_to if own else None
        curve = SizeCurve.from_bins([row.threshold_bin for row in own], [row.rows for row in own])
        merged = curve if is_stored else curve.merge(figures.new[language].curve)
        curves[language] = _up_to(merged, complete_to[language])
    return curves, complete_to


def _up_to(curve: SizeCurve, edge: float | None) -> SizeCurve:
    return curve if edge is None else curve.up_to(edge)


def append_report(
    plan: AppendPlan, balanced: AppendBalance, figures: AppendFigures, metadata: Mapping[str, CompiledMetadata]
) -> CurateReport:
    """Return the figures of all pools together."""
    before, added = plan.parent.report, balanced.added
    expected_size, expected_deviation = _expected(plan, figures)
    report = derived_report(
        plan.parent,
        balanced.chosen,
        balanced.counts.entries,
        kept=figures.kept,
        metadata=metadata,
        counters=_counters(plan, balanced, figures),
        source=plan.identity.source.description,
        matches=before.matches + added.matches,
        expected_size=expected_size,
        expected_deviation=expected_deviation,
        origin=_origin(plan, balanced, figures),
        duplicated_ids=None,  # several pools may share an id
    )
    languages = {
        name: replace(own, matched=own.matched + added.matched[name]) for name, own in report.languages.items()
    }
    return replace(report, languages=languages)


def _expected(plan: AppendPlan, figures: AppendFigures) -> tuple[float | None, float | None]:
    """Return the expected size and its deviation, in rows; None where new counts change the old rows' probabilities."""
    before, new = plan.parent.report, figures.new
    if not plan.frozen or before.expected_size is None or before.expected_deviation is None:
        return None, None
    deviation = (before.expected_deviation**2 + new.expected_deviation**2) ** 0.5
    return before.expected_size + new.expected_size, deviation


def _counters(plan: AppendPlan, balanced: AppendBalance, figures: AppendFigures) -> dict[str, int]:
    """Return the rows of all pools by outcome, which add up to the rows read."""
    before, added = plan.parent.counters, balanced.added
    counters = {
        "read": before["read"] + added.read,
        "malformed": before["malformed"] + added.malformed,
        "null": before["null"] + added.null,
        "empty": before["empty"] + added.empty,
        "language_without_metadata": before["language_without_metadata"] + added.language_without_metadata,
        "unmatched": before["unmatched"] + sum(added.unmatched.values()),
        "no_identity": before["no_identity"] + figures.new.no_identity,
        "not_chosen": before["not_chosen"],
        "kept": sum(figures.kept.values()),
    }
    outcomes = sum(counters.values()) - counters["read"]
    return {**counters, "not_drawn": counters["read"] - outcomes}


def _origin(plan: AppendPlan, balanced: AppendBalance, figures: AppendFigures) -> str:
    counts = "frozen counts" if plan.frozen else "the counts of both"
    again = f" The old pools were read again for {', '.join(balanced.read_again)}." if balanced.read_again else ""
    return (
        f"Appended to run {plan.parent.run_id} with {counts}: {sum(figures.old_kept.values()):,} of "
        f"{plan.parent.counters['kept']:,} old rows kept, {figures.new.kept:,} new rows added.{again}"
    )
