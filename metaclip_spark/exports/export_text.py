"""Text of an export report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from metaclip_spark.exports.export_report import ExportReport


def render_export(report: ExportReport) -> str:
    """Return the report as text, without a final line break."""
    rows = [("output", report.output), ("run", report.run_id)]
    rows += [("columns", ", ".join(report.columns))] if report.columns else []
    rows += [("left out", f"{count(report.left_out)} rows (no URL, or a repeated uid)")] if report.left_out else []
    things = "entries" if report.format == "entry-probabilities" else "rows"
    return "\n".join([f"Exported {count(report.rows)} {things} as {report.format}", *aligned(rows, right=())])
