"""What a curation would read, do and write: the plan of a dry run, for people and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from metaclip_spark.core.text_layout import aligned, count

_GB: Final = 1e9


@dataclass(frozen=True)
class PlannedRun:
    """The plan of a run; nothing has been written for it.

    Attributes:
        run_id: the name that the run would have.
        source: what would be read.
        columns: by meaning, the pool's column and its type; a derived one has no name of its own.
        carried: the other columns, which are copied.
        metadata: by language, entries and how many of them can match.
        threshold: what sets t.
        state: what a run would do now: "new", "from stored counts", "already finished".
        tables: by table, its path and what would happen to it.
        bytes_at_most: estimate of the curated table's size if every row were kept; None where the pool's is unknown.
        bytes_free: on the disk of the output; None where that is no local folder.
    """

    run_id: str
    source: dict[str, Any]
    columns: dict[str, tuple[str, str]]
    carried: list[str]
    metadata: dict[str, tuple[int, int]]
    threshold: str
    state: str
    tables: dict[str, tuple[str, str]]
    bytes_at_most: int | None
    bytes_free: int | None

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON types."""
        return asdict(self)


def render_plan(plan: PlannedRun) -> str:
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


def _space(plan: PlannedRun) -> list[str]:
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
