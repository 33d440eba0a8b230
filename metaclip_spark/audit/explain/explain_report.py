"""Explanations of a caption and of an entry."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal[
    "kept",
    "not_drawn",
    "unmatched",
    "null",
    "empty",
    "language_without_metadata",
    "no_identity",
    "not_chosen",
    "deleted",
    "undecided",
]
"""Outcome of a row: the names of a run's counters, and two more. `deleted`: the run kept the row, but it is no longer
in the curated table. `undecided`: a caption without a uid has a probability, but no draw."""


@dataclass(frozen=True)
class EntryEvidence:
    """One entry that matches a caption.

    Attributes:
        entry_id: Position of the entry in the metadata.
        entry: Text of the entry.
        positions: Places in the caption as given: the first character, and the one after the last.
        count: Number of captions of the pool that match the entry; 0 if only this caption does.
        probability: p = min(1, t / count), where a count of 0 is taken as 1.
    """

    entry_id: int
    entry: str
    positions: list[tuple[int, int]]
    count: int
    probability: float


@dataclass(frozen=True)
class CaptionExplanation:
    """Reason why a caption is kept or dropped.

    Attributes:
        verdict: Outcome of the caption.
        caption: Caption as given or stored, with undecodable bytes replaced; None if it is null.
        spaced: Caption with spaces added as for matching; None if it is null.
        language: Language whose entries were matched; None if the caption has no language with metadata.
        entries: Matched entries, by id.
        t: Threshold of the language, in matches.
        probability: q = 1 - prod(1 - p) over the entries; None if no entry matched.
        uid: Uid of the row; None if it has none.
        draw: Draw u in (0, 1) of the uid under the seed.
        admission_threshold: Smallest t at which the row is kept; None if no t keeps it.
        seed: Seed of the draw.
        run_id: Run that decided.
        found_in: "curated" (the stored decision), "pool" (the row was matched and decided again), or "given" (the
            caption is an argument).
        chosen_uid: Uid of the text that was chosen in place of this one for the same image; None if there is none.
        all_entries_searched: True if entries that match no caption of the pool were searched too.
    """

    verdict: Verdict
    caption: str | None
    spaced: str | None
    language: str | None
    entries: list[EntryEvidence]
    t: float | None
    probability: float | None
    uid: str | None
    draw: float | None
    admission_threshold: float | None
    seed: int
    run_id: str
    found_in: Literal["curated", "pool", "given"]
    chosen_uid: str | None = None
    all_entries_searched: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class ExampleRow:
    """A caption that matches an entry.

    Attributes:
        uid: Uid of the row; None if it has none.
        caption: Text of the caption.
        probability: Sampling probability q of the row.
        admission_threshold: Smallest t at which the row is kept; None if the row has no uid.
    """

    uid: str | None
    caption: str
    probability: float
    admission_threshold: float | None


@dataclass(frozen=True)
class EntryExplanation:
    """Effect of an entry in a run.

    Attributes:
        entry_id: Position of the entry in the metadata.
        entry: Text of the entry.
        language: Language of the metadata.
        fate: "matchable", or the reason why the entry can never match (blank, repeated, control, unmatchable).
        group: "head" (count >= t), "tail" (0 < count < t) or "never_matched" (count = 0).
        count: Number of captions of the pool that match the entry.
        rank: 1 + number of entries with a higher count; None if the entry never matched.
        ranked: Number of entries that matched.
        t: Threshold of the language, in matches.
        probability: Sampling probability p = min(1, t / count); None if the entry never matched.
        run_id: Run that decided.
        kept: Examples of kept captions that match the entry.
        dropped: Examples of dropped captions that match the entry.
        rows_searched: Number of rows of the pool, with a word of the entry, that were searched for dropped captions.
    """

    entry_id: int
    entry: str
    language: str
    fate: str
    group: Literal["head", "tail", "never_matched"]
    count: int
    rank: int | None
    ranked: int
    t: float
    probability: float | None
    run_id: str
    kept: list[ExampleRow] = field(default_factory=list)
    dropped: list[ExampleRow] = field(default_factory=list)
    rows_searched: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON types."""
        return asdict(self)


def finite(number: float) -> float | None:
    """Return a number for JSON, which has neither inf (no match) nor nan (no draw).

    >>> finite(1.5), finite(float("inf")), finite(float("nan"))
    (1.5, None, None)
    """
    return float(number) if math.isfinite(number) else None
