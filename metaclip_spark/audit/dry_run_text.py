"""Text of a dry-run report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from metaclip_spark.audit.dry_run_report import DryRunReport

_GB: Final = 1e9


def render_dry_run(plan: DryRunReport) -> str:
    """The plan for people, without a line break at the end."""
    source = dict(plan.source)
    paths = source.pop("paths", [])
    blocks = [
        [f"Nothing was written. This would be run {plan.run_id} ({plan.state})"],
        [
            "Reads",
            *(f"  {path}" for path in paths),
            "  " + ", ".join(f"{name} {value}" for name, value in source.items()),
        ],
        ["Columns", *aligned([(meaning, name, kind) for meaning, (name, kind) in plan.columns.items()], right=())],
        *([["Carried along", "  " + ", ".join(plan.carried)]] if plan.carried else []),
        [
            "Metadata",
            *aligned(
                [(name, count(own[0]), "entries,", count(own[1]), "can match") for name, own in plan.metadata.items()],
                right=(1, 3),
            ),
        ],
        ["Threshold", f"  {plan.threshold}"],
        ["Writes", *aligned([(name, path, fate) for name, (path, fate) in plan.tables.items()], right=())],
        ["Space", *_space(plan)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _space(plan: DryRunReport) -> list[str]:
    lines = []
    if plan.bytes_at_most is None:
        lines.append("  curated table: not known, as the pool's size is not")
    else:
        lines.append(
            f"  curated table: at most about {plan.bytes_at_most / _GB:.3g} GB (every row kept: the pool's own bytes "
            "and half as much for the grounds)"
        )
    if plan.bytes_free is None:
        lines.append("  free: not known, as the output is no local folder")
    else:
        lines.append(f"  free: {plan.bytes_free / _GB:.3g} GB")
        if plan.bytes_at_most is not None and plan.bytes_free < plan.bytes_at_most:
            lines.append("  ! less than the table may need: keep fewer rows, or use another output")
    return lines
