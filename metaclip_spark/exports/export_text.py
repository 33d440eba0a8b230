"""Text of an export report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from metaclip_spark.exports.export_report import ExportReport


def render_export(report: ExportReport) -> str:
    """A report for people, without a line break at the end."""
    rows = [("target", report.target), ("run", report.run_id)]
    rows += [("columns", ", ".join(report.columns))] if report.columns else []
    rows += [("left out", f"{count(report.left_out)} rows (no URL, or a repeated uid)")] if report.left_out else []
    return "\n".join([f"Exported {count(report.rows)} rows for {report.format}", *aligned(rows, right=())])
