"""Merge of the candidates of the four sources into one list of entries, whose order determines their ids."""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.entry_list import EntryFate, classify_entries
from metaclip_spark.core.words import MAX_ENTRY_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REJECTS: Final = ("blank", "punctuation", "too_long", "control", "unmatchable", "invalid")
"""Reasons to reject a candidate."""
OFFICIAL: Final = "official"
"""Name of the source of entries from an official list, which is included unchanged."""

_PUNCTUATION: Final = frozenset(string.punctuation)
_WORDLESS: Final = frozenset("PSZC")  # categories of Unicode, by their first letter


@dataclass(frozen=True)
class Candidate:
    """Entry that a source proposes.

    Attributes:
        text: Text of the entry.
        score: Value that the source sorts by (occurrences, bits, views); None if it sorts by text.
    """

    text: str
    score: float | None = None


@dataclass(frozen=True)
class Source:
    """Source of candidates.

    Attributes:
        name: "wordnet", "unigrams", "bigrams" or "titles".
        candidates: Candidates, best first.
        cap: Maximum number of entries that the source adds; None for no limit.
    """

    name: str
    candidates: Sequence[Candidate]
    cap: int | None = None


@dataclass(frozen=True)
class Entry:
    """Entry of the list.

    Attributes:
        text: Text of the entry.
        admitted_by: First source that proposes it.
        score: Score in that source.
        sources: All sources that propose it, in the order of the merge.
    """

    text: str
    admitted_by: str
    score: float | None
    sources: tuple[str, ...]


@dataclass
class SourceFigures:
    """Numbers of a source's candidates by outcome, which add up to all. Of an official list, all are admitted.

    Attributes:
        candidates: Number of candidates.
        admitted: Number of candidates that the source added to the list.
        already_listed: Number of candidates that an earlier source had added.
        repeated: Number of candidates that the source itself had added.
        over_cap: Number of candidates left out because the cap of the source, or of the list, was reached.
        rejects: Number of rejected candidates by reason.
    """

    candidates: int = 0
    admitted: int = 0
    already_listed: int = 0
    repeated: int = 0
    over_cap: int = 0
    rejects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REJECTS, 0))


@dataclass(frozen=True)
class Merged:
    """Result of the merge.

    Attributes:
        entries: Entries; the id of each is its position.
        figures: Numbers of candidates by source; OFFICIAL for an official list.
        unmatchable: First few candidates that can never match a spaced caption.
    """

    entries: list[Entry]
    figures: dict[str, SourceFigures]
    unmatchable: list[str]


_EXAMPLES: Final = 20


def merge(sources: Iterable[Source], *, total: int | None = None, official: Sequence[str] = ()) -> Merged:
    """Merge the sources in order: each adds the candidates that are not in the list yet.

    The number that each source adds is the increment of table 1 in Demystifying CLIP Data.

    Args:
        sources: WordNet, unigrams, bigrams, titles.
        total: Maximum number of entries of the list; None for no limit.
        official: List that precedes all sources, with unchanged ids; none of its entries is rejected.

    >>> titles = Source("titles", [Candidate("dog", 9), Candidate("U.S.", 8)])
    >>> merged = merge([Source("wordnet", [Candidate("dog")]), titles])
    >>> [(entry.text, entry.admitted_by, entry.sources) for entry in merged.entries]
    [('dog', 'wordnet', ('wordnet', 'titles'))]
    >>> merged.figures["titles"].rejects["unmatchable"]
    1
    """
    texts = list(official)
    admitted_by = [(OFFICIAL, None)] * len(texts)
    listed: list[tuple[str, float | None]] = list(admitted_by)
    proposers: dict[str, list[str]] = {text: [OFFICIAL] for text in texts}
    figures = {OFFICIAL: SourceFigures(len(texts), admitted=len(texts))} if texts else {}
    unmatchable: list[str] = []
    for source in sources:
        own = figures[source.name] = SourceFigures(candidates=len(source.candidates))
        for candidate in source.candidates:
            proposed_by = proposers.get(candidate.text)
            if proposed_by is not None:
                if proposed_by[-1] == source.name:
                    own.repeated += 1
                else:
                    proposed_by.append(source.name)
                    own.already_listed += 1
                continue
            reason = reject_reason(candidate.text)
            if reason is not None:
                own.rejects[reason] += 1
                if reason == "unmatchable" and len(unmatchable) < _EXAMPLES:
                    unmatchable.append(candidate.text)
            elif own.admitted == source.cap or (total is not None and len(texts) >= total):
                own.over_cap += 1
            else:
                own.admitted += 1
                texts.append(candidate.text)
                listed.append((source.name, candidate.score))
                proposers[candidate.text] = [source.name]
    entries = [
        Entry(text, source_name, score, tuple(proposers[text]))
        for text, (source_name, score) in zip(texts, listed, strict=True)
    ]
    return Merged(entries, figures, unmatchable)


def reject_reason(text: str) -> str | None:
    r"""Return the reason to reject a text as an entry, or None. There are no other corrections or filters.

    >>> [reject_reason(text) for text in ("dog", "!", "  ", "a" * 257, "a\tb", "St. Louis", "\ud800", "-")]
    [None, 'punctuation', 'blank', 'too_long', 'control', 'unmatchable', 'invalid', 'punctuation']
    """
    if not text.strip():
        return "blank"
    if all(character in _PUNCTUATION or unicodedata.category(character)[0] in _WORDLESS for character in text):
        return "invalid" if _is_invalid(text) else "punctuation"
    if len(text) > MAX_ENTRY_CHARACTERS:
        return "too_long"
    fate = classify_entries([text])[0]
    if fate == EntryFate.CONTROL:
        return "control"
    if fate == EntryFate.UNMATCHABLE:
        return "unmatchable"
    return "invalid" if _is_invalid(text) else None


def _is_invalid(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by score, descending, then by UTF-8 bytes.

    >>> [candidate.text for candidate in in_order([Candidate("b", 1), Candidate("a", 1), Candidate("c", 2)])]
    ['c', 'a', 'b']
    """
    return sorted(candidates, key=lambda one: (-(one.score or 0.0), one.text.encode("utf-8", "surrogatepass")))
