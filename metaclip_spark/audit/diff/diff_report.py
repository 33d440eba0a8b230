"""Report of the changes from one curation to another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CurationFigures:
    """One of the two curations.

    Attributes:
        root: Root of the tables.
        version: Version of the curated table.
        run_id: Run that wrote the version.
        t: Threshold by language, in matches.
        seed: Seed of the draw.
        counts_version: Key of the entry counts.
        read: Number of rows of the pool.
        rows: Number of rows of the curated table at that version.
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
class EntryChange:
    """An entry whose count changed.

    Attributes:
        language: Language of the metadata.
        entry: Text of the entry. Entries are compared by text, since their ids may differ.
        before: Count in the first curation; 0 if the entry did not match or was not in the metadata.
        after: Count in the second curation; 0 as above.
        probability_before: p = min(1, t / count) in the first curation; None at a count of 0.
        probability_after: p in the second curation; None at a count of 0.
    """

    language: str
    entry: str
    before: int
    after: int
    probability_before: float | None
    probability_after: float | None


@dataclass(frozen=True)
class RowChange:
    """Rows that only one of the curated tables contains, for one reason.

    Attributes:
        reason: One of the reasons in `metaclip_spark.audit.diff.row_changes`.
        rows: Number of rows.
        example: Uid of one of the rows.
    """

    reason: str
    rows: int
    example: str


@dataclass(frozen=True)
class DiffReport:
    """Changes from one curation to another.

    Attributes:
        before: First curation.
        after: Second curation.
        entries_changed: Number of entries whose counts differ, including the added and the removed ones.
        entries_added: Number of entries with a count only in the second curation.
        entries_removed: Number of entries with a count only in the first curation.
        entries: Entries whose counts changed most, by the size of the change, then by language and text.
        rows_added: Rows only in the second table, by reason, most rows first.
        rows_removed: Rows only in the first table, by reason, most rows first.
        rows_in_both: Number of rows in both tables.
        languages_with_other_metadata: Languages whose metadata differs between the two.
        unreadable_pools: Reasons why a pool could not be read. Rows that only one pool has are then listed under other
            reasons.
    """

    before: CurationFigures
    after: CurationFigures
    entries_changed: int
    entries_added: int
    entries_removed: int
    entries: list[EntryChange]
    rows_added: list[RowChange]
    rows_removed: list[RowChange]
    rows_in_both: int
    languages_with_other_metadata: list[str]
    unreadable_pools: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
