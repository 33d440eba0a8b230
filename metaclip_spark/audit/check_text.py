"""Text of a check report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from metaclip_spark.audit.check_report import CheckReport


def render_check(found: CheckReport) -> str:
    """The findings as text, without a line break at the end."""
    by_pool = [(name or "(no name)", count(rows)) for name, rows in sorted(found.rows_by_pool.items())]
    return "\n".join(
        [
            f"{found.curated} agrees with run {found.run_id}",
            *aligned(
                [
                    ("version", str(found.version)),
                    ("rows", count(found.rows)),
                    ("expected", _expected(found)),
                ]
            ),
            "Rows by pool",
            *aligned(by_pool),
        ]
    )


def _expected(found: CheckReport) -> str:
    if found.expected_size is None:
        return "not known: rows dropped before were not read again"
    off = (found.rows - found.expected_size) / found.expected_deviation if found.expected_deviation else 0.0
    return f"{count(found.expected_size)}, {off:+.1f} standard deviations"
