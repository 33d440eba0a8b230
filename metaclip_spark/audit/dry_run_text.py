"""Text of a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, size
from metaclip_spark.curation.summary import files_left_out

if TYPE_CHECKING:
    from metaclip_spark.audit.dry_run_report import DryRunReport

_SHOWN_APART: Final = {"base_of_partitions", "not_read", "unreadable_files"}


def render_dry_run(report: DryRunReport) -> str:
    """Return the plan as text, without a final line break."""
    source = dict(report.source)
    paths = source.pop("paths", [])
    left_out = files_left_out(source)
    source = {name: value for name, value in source.items() if name not in _SHOWN_APART}
    blocks = [
        [f"Dry run of {report.run_id} ({report.state}): all checks passed, nothing was written"],
        [
            "Pool",
            *(f"  {path}" for path in paths),
            "  " + ", ".join(f"{name} {value}" for name, value in source.items()),
            *aligned(left_out, right=()),
        ],
        ["Columns", *aligned([(meaning, name, kind) for meaning, (name, kind) in report.columns.items()], right=())],
        *([["Carried columns", "  " + ", ".join(report.carried_columns)]] if report.carried_columns else []),
        [
            "Metadata",
            *aligned(
                [
                    (name, count(entries), "entries,", count(matchable), "can match")
                    for name, (entries, matchable) in report.metadata.items()
                ],
                right=(1, 3),
            ),
        ],
        ["Threshold", f"  {report.threshold}"],
        ["Tables", *aligned([(name, path, change) for name, (path, change) in report.tables.items()], right=())],
        ["Space", *_space(report)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _space(report: DryRunReport) -> list[str]:
    needed, free = report.max_table_bytes, report.free_bytes
    rows = [
        ("curated table", "unknown: the size of the pool is unknown")
        if needed is None
        else ("curated table", f"at most about {size(needed)}, if every row is kept (1.5 times the bytes of the pool)"),
        ("free", "unknown: the tables are not in a local folder" if free is None else size(free)),
    ]
    lines = aligned(rows, right=())
    if needed is not None and free is not None and free < needed:
        lines.append("  ! The table may need more space than is free. Keep fewer rows, or write to another disk.")
    return lines
