"""Text of a diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.audit.diff.diff_report import CurationFigures, DiffReport, RowChange

_ENTRY_LENGTH: Final = 40
_ADDED: Final = {
    "pool": "new in the pool",
    "metadata": "different metadata",
    "t": "t rose to their admission threshold",
    "entry_counts": "entry counts changed: their threshold fell to t or below",
    "seed": "kept with the other seed",
    "other": "another text of the image chosen, another caption, or restored",
}
_REMOVED: Final = {
    "pool": "no longer in the pool",
    "metadata": "different metadata",
    "t": "t fell below their admission threshold",
    "entry_counts": "entry counts changed: their threshold rose above t",
    "seed": "not kept with the other seed",
    "other": "another text of the image chosen, another caption, or deleted",
}


def render_diff(report: DiffReport) -> str:
    """Return the report as text, without a final line break."""
    added, removed = (sum(change.rows for change in changes) for changes in (report.rows_added, report.rows_removed))
    before, after = count(report.before.rows), count(report.after.rows)
    blocks = [
        [f"{before} rows before, {after} after: {count(added)} added, {count(removed)} removed"],
        ["Curations", *_curations(report)],
        ["Rows", *_rows(report)],
    ]
    if report.unreadable_pools:
        blocks.append(
            [
                "A pool could not be read, so rows that only one pool has are listed under other reasons:",
                *(f"  {reason}" for reason in report.unreadable_pools),
            ]
        )
    if report.languages_with_other_metadata:
        blocks.append([f"Languages with different metadata: {', '.join(report.languages_with_other_metadata)}"])
    blocks.append(_entries(report))
    return "\n\n".join("\n".join(block) for block in blocks)


def _curations(report: DiffReport) -> list[str]:
    rows = [("", "t", "seed", "read", "kept", "version", "run", "tables")]
    rows += [
        (label, _t(side), str(side.seed), count(side.read), count(side.rows), str(side.version), side.run_id, side.root)
        for label, side in (("before", report.before), ("after", report.after))
    ]
    return aligned(rows, right=(1, 2, 3, 4, 5))


def _t(side: CurationFigures) -> str:
    return f"{next(iter(side.t.values())):,.10g}" if len(side.t) == 1 else f"{len(side.t)} languages"


def _rows(report: DiffReport) -> list[str]:
    def lines(sign: str, changes: Sequence[RowChange], reasons: dict[str, str]) -> list[tuple[str, ...]]:
        return [(f"{sign} {reasons[row.reason]}", count(row.rows), f"e.g. {row.example}") for row in changes]

    return aligned(
        [
            ("  before", count(report.before.rows)),
            *lines("-", report.rows_removed, _REMOVED),
            *lines("+", report.rows_added, _ADDED),
            ("= after", count(report.after.rows)),
            ("  in both", count(report.rows_in_both)),
        ]
    )


def _entries(report: DiffReport) -> list[str]:
    if not report.entries_changed:
        return ["Entry counts: no change"]
    rows = [("entry", "language", "before", "after", "change", "p before", "p after")]
    rows += [
        (
            change.entry[:_ENTRY_LENGTH],
            change.language,
            count(change.before),
            count(change.after),
            f"{change.after - change.before:+,}",
            _p(change.probability_before),
            _p(change.probability_after),
        )
        for change in report.entries
    ]
    heading = (
        f"Entry counts: {count(report.entries_changed)} changed, of which {count(report.entries_added)} rose from 0 "
        f"and {count(report.entries_removed)} fell to 0. Largest changes:"
    )
    return [heading, *aligned(rows, right=(2, 3, 4, 5, 6))]


def _p(probability: float | None) -> str:
    return "-" if probability is None else f"{probability:.3g}"
