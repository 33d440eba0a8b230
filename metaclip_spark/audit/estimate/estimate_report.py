"""What a share of the rows says of the whole pool: estimates, each with its error, for people and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Interval(NamedTuple):
    """An estimate with the range that holds the true figure in 19 of 20 cases, or so its basis says."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SizeEstimate:
    """The size at one threshold.

    Attributes:
        t: of the reference language or the only one, in matches of the pool.
        rows: kept rows.
        matches_in_sample: t * share: the fewer, the more the estimate rests on a model of rare entries.
    """

    t: float
    rows: Interval
    matches_in_sample: float


@dataclass(frozen=True)
class LanguageEstimate:
    """What was seen of one language.

    Attributes:
        seen: entries that matched in the sample.
        unseen_share: of the pool's matches, on entries that the sample did not see (Good and Turing's estimate).
        top_entries: the most frequent entries with estimates of their counts.
    """

    seen: int
    unseen_share: float
    top_entries: list[tuple[str, Interval]]


@dataclass(frozen=True)
class EstimateReport:
    """Estimates from a share of the rows; nothing was written.

    Attributes:
        share: of the rows with a caption, as asked for.
        seed: of the run and of the sample.
        read: rows of the pool, exact, with records that cannot be read as rows.
        without_caption: those whose caption is null or empty, exact; they match nothing and are not sampled.
        sampled: rows in the sample.
        matched: rows that match.
        matches: pairs of caption and matched entry.
        languages: by language.
        asked: the size, at the t asked for or found.
        wanted: rows asked for; None where t was given.
        sizes: size against t.
        passes: times that a run reads the pool: twice, and to choose t by size, where no run has left its curve.
        seconds: of a whole run on these machines; None where the sample is too small to tell.
        bytes: of the curated table; None where the pool's size is unknown.
        took: seconds of this estimate, by step.
        malformed: records of the pool that cannot be read as rows.
        warnings: what was unfortunate about the pool, for people.
    """

    share: float
    seed: int
    read: int
    without_caption: int
    sampled: int
    matched: Interval
    matches: Interval
    languages: dict[str, LanguageEstimate]
    asked: SizeEstimate
    wanted: int | None
    sizes: list[SizeEstimate]
    passes: int
    seconds: Interval | None
    bytes: Interval | None
    took: dict[str, float]
    malformed: int = 0
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The estimates as JSON types."""
        return {name: _named(value) for name, value in asdict(self).items()}


def _named(value: Any) -> Any:
    """Estimates as objects with names, where JSON would make lists of them."""
    if isinstance(value, Interval):
        return value._asdict()
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, (list, tuple)) else value
