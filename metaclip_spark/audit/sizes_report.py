"""Report of the number of rows that each threshold t would keep."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SizePoint:
    """Size, head and tail at one threshold.

    Attributes:
        t: Threshold, in matches.
        rows: Number of rows kept at exactly this t.
        head: Number of entries with count >= t.
        tail_share: Share of the matches on entries with count < t.
    """

    t: float
    rows: int
    head: int
    tail_share: float


@dataclass(frozen=True)
class LanguageSizes:
    """Size curve of one language.

    Attributes:
        current: Point at the t of the run that wrote the curated table.
        matched: Number of rows that matched and have a draw: the size at a t above all counts.
        points: A point for each filled bin of the curve and each power of two, ascending in t. The sizes are exact.
    """

    current: SizePoint
    matched: int
    points: list[SizePoint]


@dataclass(frozen=True)
class SizesReport:
    """Size curves of a curated pool.

    Attributes:
        run_id: Run that wrote the curated table.
        counts_version: Key of the entry counts.
        seed: Seed of the draw. Another seed gives another curve.
        read: Number of rows read.
        languages: Curve by language.
    """

    run_id: str
    counts_version: str
    seed: int
    read: int
    languages: dict[str, LanguageSizes]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
