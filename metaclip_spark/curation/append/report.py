"""What an append reports: figures of all pools together, and a size curve that says how far it knows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.core.balancing.size_curve import SizeCurve, edge_at_most
from metaclip_spark.curation.checks import top_entries
from metaclip_spark.curation.derived import follow_up_report
from metaclip_spark.runs.identity import APPEND
from metaclip_spark.tables.schemas import SIZE_CURVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.append.parts import Appended, Balanced, Figures
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.tables import Tables


def appended_curves(
    tables: Tables, asked: Appended, balanced: Balanced, figures: Figures
) -> tuple[dict[str, SizeCurve], dict[str, float | None]]:
    """The curve of all pools by language, and the edge where it ends.

    The thresholds of old rows that were dropped before are not known at the new counts, only that they lie above what
    was stored: up to there the curve is exact, and there it ends.

    Returns:
        The curves, and by language the edge where each ends; None where it has every matched row.
    """
    if asked.frozen:
        return _frozen_curves(tables, asked, figures)
    whole = {name for name in balanced.t if name in balanced.read_again or math.isinf(balanced.stored[name])}
    known_to = {name: None if name in whole else edge_at_most(balanced.stored[name]) for name in balanced.t}
    curves = {name: figures.old[name].curve.merge(figures.new[name].curve) for name in balanced.t}
    return {name: _up_to(curve, known_to[name]) for name, curve in curves.items()}, known_to


def _frozen_curves(
    tables: Tables, asked: Appended, figures: Figures
) -> tuple[dict[str, SizeCurve], dict[str, float | None]]:
    """At the same counts the old rows' curve still holds; the new rows are added to it."""
    stored = tables.read(SIZE_CURVE)
    rows = [] if stored is None else stored.where(stored.counts_version == asked.plan.counts_version).collect()
    known_to, curves = {}, {}
    written = any(row.run_id == asked.plan.run_id for row in rows)  # by this run, which died before its end
    for language in asked.base.t:
        own = [row for row in rows if row.language == language]
        known_to[language] = own[0].known_to if own else None
        curve = SizeCurve.from_bins([row.threshold_bin for row in own], [row.rows for row in own])
        merged = curve if written else curve.merge(figures.new[language].curve)
        curves[language] = _up_to(merged, known_to[language])
    return curves, known_to


def _up_to(curve: SizeCurve, edge: float | None) -> SizeCurve:
    return curve if edge is None else curve.up_to(edge)


def append_report(
    tables: Tables,
    asked: Appended,
    balanced: Balanced,
    figures: Figures,
    writes: Mapping[str, Write],
    *,
    metadata: Mapping[str, CompiledMetadata],
    seconds: Mapping[str, float],
    warnings: Sequence[str],
) -> CurateReport:
    """The figures of all pools together."""
    base, added = asked.base, balanced.added
    before = base.report.languages
    kept = {name: rows + figures.new[name].kept for name, rows in figures.old_kept.items()}
    size, deviation = _expected(asked, figures)
    report = follow_up_report(
        base, asked.plan, t=balanced.t, reserve_t=balanced.reserve_t, entries=balanced.counts.entries, kept=kept,
        writes=writes, tables=tables, stage=APPEND, seconds=dict(seconds), source=asked.plan.source.description,
        counters=_counters(asked, balanced, figures, sum(kept.values())),
        matches=base.report.matches + added.matches,
        expected_size=size,
        expected_deviation=deviation,
        origin=_origin(asked, balanced, sum(figures.old_kept.values()), figures.new.kept),
        warnings=[*base.report.warnings, *warnings],
        duplicated_ids=None,  # an id may be in several pools
    )  # fmt: skip
    languages = {
        name: replace(
            own,
            matched=before[name].matched + added.matched[name],
            top_entries=top_entries(balanced.counts.entries[name], metadata[name]),
        )
        for name, own in report.languages.items()
    }
    return replace(report, languages=languages)


def _expected(asked: Appended, figures: Figures) -> tuple[float | None, float | None]:
    """Return the expected size and its deviation, in rows; None where the new counts change old probabilities."""
    before, new = asked.base.report, figures.new
    if not asked.frozen or before.expected_size is None or before.expected_deviation is None:
        return None, None
    deviation = (before.expected_deviation**2 + new.expected_deviation**2) ** 0.5
    return before.expected_size + new.expected_size, deviation


def _counters(asked: Appended, balanced: Balanced, figures: Figures, kept: int) -> dict[str, int]:
    """Rows of all pools by what became of them; they add up to those read."""
    before, added = asked.base.counters, balanced.added
    counters = {
        "read": before["read"] + added.read,
        "malformed": before.get("malformed", 0) + added.malformed,  # runs of old know none
        "null": before["null"] + added.null,
        "empty": before["empty"] + added.empty,
        "language_without_metadata": before["language_without_metadata"] + added.language_without_metadata,
        "unmatched": before["unmatched"] + sum(added.unmatched.values()),
        "no_identity": before["no_identity"] + figures.new.no_identity,
        "not_chosen": before["not_chosen"],
        "kept": kept,
    }
    fates = sum(counters.values()) - counters["read"]
    return {**counters, "not_drawn": counters["read"] - fates}


def _origin(asked: Appended, balanced: Balanced, old: int, new: int) -> str:
    counts = "frozen counts" if asked.frozen else "the counts of both"
    again = f" The old pools were read again for {', '.join(balanced.read_again)}." if balanced.read_again else ""
    before = asked.base.counters["kept"]
    return (
        f"Appended to run {asked.base.run_id} with {counts}: {old:,} of {before:,} old rows stay, {new:,} new ones "
        f"join.{again}"
    )
