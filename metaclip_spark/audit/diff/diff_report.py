"""What changed between two curations: figures first, written for people by `report.diff_text`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CurationFigures:
    """One of the two.

    Attributes:
        root: of its tables.
        version: of its curated table.
        run_id: the run that wrote it.
        t: threshold by language, in matches.
        seed: of the draw.
        counts_version: key of its counts.
        read: rows of its pool.
        rows: of the curated table at that version.
    """

    root: str
    version: int
    run_id: str
    t: dict[str, float]
    seed: int
    counts_version: str
    read: int
    rows: int


@dataclass(frozen=True)
class EntryMove:
    """An entry whose count changed.

    Attributes:
        language: of its metadata.
        entry: its text, by which the two are compared: ids may differ.
        before: captions that held it; 0 where none did, or the metadata did not have it.
        after: the same of the second curation.
        probability_before: p = min(1, t / count), None at a count of 0.
        probability_after: the same of the second curation.
    """

    language: str
    entry: str
    before: int
    after: int
    probability_before: float | None
    probability_after: float | None


@dataclass(frozen=True)
class RowMove:
    """Rows that are in one curated table only, for one reason.

    Attributes:
        reason: why, one of `transforms.row_moves.REASONS`.
        rows: how many.
        example: uid of one of them.
    """

    reason: str
    rows: int
    example: str


@dataclass(frozen=True)
class DiffReport:
    """From one curation to another.

    Attributes:
        before: the first.
        after: the second.
        entries_changed: entries with another count, those that are new or gone included.
        entries_new: entries that no caption held before.
        entries_gone: entries that no caption holds now.
        entries: those whose counts moved most, by distance, then language and text.
        came: rows in the second table only, by reason, most rows first.
        left: rows in the first table only, by reason, most rows first.
        stayed: rows of the first table that the second has too.
        other_metadata: languages whose metadata is not the same list in both.
        pools_unread: why a pool could not be looked into, so that rows which only one pool has are not told apart.
    """

    before: CurationFigures
    after: CurationFigures
    entries_changed: int
    entries_new: int
    entries_gone: int
    entries: list[EntryMove]
    came: list[RowMove]
    left: list[RowMove]
    stayed: int
    other_metadata: list[str]
    pools_unread: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)
