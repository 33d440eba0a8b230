"""Text of a table check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.text_layout import aligned, count
from metaclip_spark.curation.summary import against_expected

if TYPE_CHECKING:
    from metaclip_spark.audit.check_report import CheckReport


def render_check(report: CheckReport) -> str:
    """Return the report as text, without a final line break."""
    expected, distance = against_expected(report.rows, report.expected_size, report.expected_deviation)
    figures = [("version", str(report.version)), ("rows", count(report.rows), distance), ("expected", expected)]
    by_pool = [(name or "(unnamed)", count(rows)) for name, rows in sorted(report.rows_by_pool.items())]
    return "\n".join(
        [
            f"{report.curated} agrees with run {report.run_id}",
            *aligned(figures, right=()),
            "",
            "Rows by pool",
            *aligned(by_pool),
        ]
    )
