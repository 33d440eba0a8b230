"""A difference for people: sizes, rows in and out by reason, entries by how far they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.audit.diff.diff_report import CurationFigures, DiffReport, RowMove

_ENTRY_LENGTH: Final = 40
_CAME: Final = {
    "pool": "new in the pool",
    "metadata": "another metadata list",
    "t": "t rose to their admission threshold",
    "entry_counts": "counts of their entries changed: threshold fell to t or below",
    "seed": "another seed draws them",
    "other": "another text of the image, another caption, or restored",
}
_LEFT: Final = {
    "pool": "gone from the pool",
    "metadata": "another metadata list",
    "t": "t fell below their admission threshold",
    "entry_counts": "counts of their entries changed: threshold rose above t",
    "seed": "another seed does not draw them",
    "other": "another text of the image, another caption, or deleted",
}


def render_diff(found: DiffReport) -> str:
    """A difference as text, without a line break at the end."""
    came, left = (sum(move.rows for move in moves) for moves in (found.came, found.left))
    blocks = [
        [f"{count(found.before.rows)} rows before, {count(found.after.rows)} after: {came:+,} came, {-left:+,} left"],
        ["Curations", *_curations(found)],
        ["Rows", *_rows(found)],
    ]
    if found.pools_unread:
        blocks.append(
            [
                "Rows that only one pool has are counted under other reasons:",
                *(f"  {why}" for why in found.pools_unread),
            ]
        )
    if found.other_metadata:
        blocks.append([f"Another metadata list: {', '.join(found.other_metadata)}"])
    blocks.append(_entries(found))
    return "\n\n".join("\n".join(block) for block in blocks)


def _curations(found: DiffReport) -> list[str]:
    rows = [("", "t", "seed", "read", "kept", "version", "run", "root")]
    rows += [
        (label, _t(side), str(side.seed), count(side.read), count(side.rows), str(side.version), side.run_id, side.root)
        for label, side in (("before", found.before), ("after", found.after))
    ]
    return aligned(rows, right=(1, 3, 4, 5))


def _t(side: CurationFigures) -> str:
    return f"{next(iter(side.t.values())):,.10g}" if len(side.t) == 1 else f"{len(side.t)} languages"


def _rows(found: DiffReport) -> list[str]:
    def lines(sign: str, moves: Sequence[RowMove], words: dict[str, str]) -> list[tuple[str, ...]]:
        return [(f"{sign} {words[move.reason]}", count(move.rows), f"such as {move.example}") for move in moves]

    return aligned(
        [
            ("  before", count(found.before.rows), ""),
            *lines("-", found.left, _LEFT),
            *lines("+", found.came, _CAME),
            ("= after", count(found.after.rows), ""),
            ("  in both", count(found.stayed), ""),
        ]
    )


def _entries(found: DiffReport) -> list[str]:
    if not found.entries_changed:
        return ["Entries: no count changed"]
    rows = [("entry", "language", "before", "after", "change", "p before", "p after")]
    rows += [
        (
            move.entry[:_ENTRY_LENGTH],
            move.language,
            count(move.before),
            count(move.after),
            f"{move.after - move.before:+,}",
            _p(move.probability_before),
            _p(move.probability_after),
        )
        for move in found.entries
    ]
    heading = (
        f"Entries: {count(found.entries_changed)} counts changed, {count(found.entries_new)} entries are new, "
        f"{count(found.entries_gone)} gone; moved most:"
    )
    return [heading, *aligned(rows, right=(2, 3, 4, 5, 6))]


def _p(probability: float | None) -> str:
    return "-" if probability is None else f"{probability:.3g}"
