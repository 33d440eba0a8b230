"""Why a row is kept or not, and what an entry does: figures first, written for people by `report.explain_text`."""

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
    "open",
]
"""What became of a row: the names of a run's counters. Besides, `deleted`: the rule keeps the row, but the table does
not hold it any more; and `open`: a caption without a uid has no draw, so that only its probability is known."""


@dataclass(frozen=True)
class EntryEvidence:
    """One matched entry of a caption.

    Attributes:
        entry_id: its position in the metadata list.
        entry: its text.
        positions: where it stands in the caption as given: first character, and the one behind the last.
        count: captions of the pool that hold it; 0 where only this caption does.
        probability: p = min(1, t / count), a count of 0 taken as 1.
    """

    entry_id: int
    entry: str
    positions: list[tuple[int, int]]
    count: int
    probability: float


@dataclass(frozen=True)
class CaptionExplanation:
    """Why a caption is kept, or is not.

    Attributes:
        verdict: what became of it.
        caption: as given or stored, undecodable bytes replaced; None if it is null.
        spaced: the caption as it is searched; None if there is none.
        language: whose entries were looked for; None if it has none with metadata.
        entries: the matched ones, in ascending order of their ids.
        t: threshold of the language, in matches.
        probability: q = 1 - prod (1 - p) over the entries; None where nothing was matched.
        uid: of the row; None if there is none.
        draw: u in (0, 1), of the uid under the seed.
        admission_threshold: the least t at which the row is kept; None where it is never.
        seed: of the draw.
        run_id: the run that decided.
        found_in: "curated" (the decision as stored), "pool" (matched and decided again), or "given" (a caption).
        chosen_uid: of a row that is not chosen, the text of its image that was.
        all_entries: whether entries that no caption of the pool holds were looked for as well.
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
    all_entries: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class ExampleRow:
    """A caption that holds an entry.

    Attributes:
        uid: of the row; None if it has none.
        caption: its text.
        probability: q of the row.
        admission_threshold: the least t at which it is kept; None for a row without a uid.
    """

    uid: str | None
    caption: str
    probability: float
    admission_threshold: float | None


@dataclass(frozen=True)
class EntryExplanation:
    """What an entry does in a run.

    Attributes:
        entry_id: its position in the metadata list.
        entry: its text.
        language: of its metadata.
        fate: "matchable", or why it can never match (blank, repeated, control, unmatchable).
        place: "head" (count >= t), "tail" (0 < count < t) or "never" (no caption holds it).
        count: captions of the pool that hold it.
        rank: 1 + number of entries with a higher count; None if it never matched.
        ranked: entries that matched at all.
        t: threshold of the language, in matches.
        probability: p = min(1, t / count); None if it never matched.
        kept: examples of captions that hold it and are kept.
        dropped: examples of captions that hold it and are not.
        dropped_searched: rows of the pool with its words that were looked at for them.
        run_id: the run that decided.
    """

    entry_id: int
    entry: str
    language: str
    fate: str
    place: Literal["head", "tail", "never"]
    count: int
    rank: int | None
    ranked: int
    t: float
    probability: float | None
    run_id: str
    kept: list[ExampleRow] = field(default_factory=list)
    dropped: list[ExampleRow] = field(default_factory=list)
    dropped_searched: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON types."""
        return asdict(self)


def finite(number: float) -> float | None:
    """A number for JSON, which knows neither inf (no match) nor nan (no draw).

    >>> finite(1.5), finite(float("inf")), finite(float("nan"))
    (1.5, None, None)
    """
    return float(number) if math.isfinite(number) else None
