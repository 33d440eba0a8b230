"""Size against t: how many rows a pool's counts and draws keep at each threshold, for people and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SizePoint:
    """One threshold.

    Attributes:
        t: in matches.
        rows: kept at exactly this t.
        head: entries with count >= t.
        tail_share: share of the matches on entries with count < t.
    """

    t: float
    rows: int
    head: int
    tail_share: float


@dataclass(frozen=True)
class LanguageSizes:
    """The curve of one language.

    Attributes:
        t: of the run that the curated table holds, with its size.
        matched: rows that matched and were drawn: the size at a t above all counts.
        points: one for each filled bin of the curve and each power of two, ascending in t; the sizes are exact.
    """

    t: SizePoint
    matched: int
    points: list[SizePoint]


@dataclass(frozen=True)
class SizesReport:
    """The size curves of a curated pool.

    Attributes:
        run_id: of the run that the curated table holds.
        counts_version: of the counts.
        seed: of the draw; another seed draws another curve.
        read: rows read.
        languages: curves by language.
    """

    run_id: str
    counts_version: str
    seed: int
    read: int
    languages: dict[str, LanguageSizes]

    def as_dict(self) -> dict[str, Any]:
        """The curves as JSON types."""
        return asdict(self)
