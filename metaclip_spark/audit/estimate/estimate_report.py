"""Report of an estimate from a sample of a pool."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Interval:
    """An estimate, with a range that contains the true figure in about 19 of 20 cases.

    Attributes:
        value: Estimate.
        low: Lower end of the range.
        high: Upper end of the range.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SizeEstimate:
    """Estimated size at one threshold.

    Attributes:
        t: Threshold of the reference language, or of the only one, in matches of the pool.
        rows: Number of kept rows.
        matches_in_sample: t times the sampled share. If it is small, the estimate depends on a model of rare entries.
    """

    t: float
    rows: Interval
    matches_in_sample: float


@dataclass(frozen=True)
class LanguageEstimate:
    """Estimated entry counts of one language.

    Attributes:
        entries_seen: Number of entries that matched in the sample.
        unseen_share: Share of the pool's matches on entries that did not match in the sample (Good-Turing estimate).
        top_entries: Most frequent entries, with estimates of their counts.
    """

    entries_seen: int
    unseen_share: float
    top_entries: list[tuple[str, Interval]]


@dataclass(frozen=True)
class EstimateReport:
    """Estimates from a share of the rows.

    Attributes:
        share: Requested share of the rows with a caption.
        seed: Seed of the sample and of the run.
        read: Number of rows of the pool, exact; includes records that cannot be read as rows.
        without_caption: Number of rows whose caption is null or empty, exact. They match nothing and are not sampled.
        sampled: Number of rows in the sample.
        matched: Number of rows that match.
        matches: Number of matches; an entry counts once per caption.
        languages: Estimates by language.
        size: Size at the t of the run, given or chosen.
        target_rows: Requested number of rows; None if another rule sets t.
        sizes: Sizes at other thresholds.
        passes: Number of times that a run reads the pool: two, and more to choose t by size unless an earlier run left
            its size curve.
        run_seconds: Duration of a run on this session; None if the sample is too small to tell.
        table_bytes: Size of the curated table; None if the size of the pool is unknown.
        seconds: Duration of this estimate by step.
        malformed: Number of records of the pool that cannot be read as rows.
        warnings: Human-readable warnings about the pool.
    """

    share: float
    seed: int
    read: int
    without_caption: int
    sampled: int
    matched: Interval
    matches: Interval
    languages: dict[str, LanguageEstimate]
    size: SizeEstimate
    target_rows: int | None
    sizes: list[SizeEstimate]
    passes: int
    run_seconds: Interval | None
    table_bytes: Interval | None
    seconds: dict[str, float]
    malformed: int = 0
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
