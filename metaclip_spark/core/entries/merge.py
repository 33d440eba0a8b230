"""The merge: candidates of the four sources into one list, whose order fixes every entry's id."""

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
"""Why a candidate is no entry of a list that is built here."""
OFFICIAL: Final = "official"
"""Source of entries that come from a list taken as it is."""

_PUNCTUATION: Final = frozenset(string.punctuation)
_WORDLESS: Final = frozenset("PSZC")  # categories of Unicode, by their first letter


@dataclass(frozen=True)
class Candidate:
    """What a source proposes.

    Attributes:
        text: of the entry.
        score: what the source orders by: occurrences, bits, views; None where it has no order but the text's.
    """

    text: str
    score: float | None = None


@dataclass(frozen=True)
class Source:
    """Candidates in their order.

    Attributes:
        name: "wordnet", "unigrams", "bigrams", "titles".
        candidates: best first.
        cap: entries that it may newly admit; None: all.
    """

    name: str
    candidates: Sequence[Candidate]
    cap: int | None = None


@dataclass(frozen=True)
class Entry:
    """An entry of the list.

    Attributes:
        text: of it.
        admitted_by: the first source that proposed it.
        score: there.
        sources: all that propose it, in the order of the merge.
    """

    text: str
    admitted_by: str
    score: float | None
    sources: tuple[str, ...]


@dataclass
class SourceFigures:
    """What became of a source's candidates; they add up. Of a list taken as it is all are admitted, repeated ones too.

    Attributes:
        candidates: proposed.
        admitted: newly.
        already_listed: Already admitted by an earlier source.
        repeated: of its own.
        over_cap: not looked at any more once the cap of the source, or of the list, was reached.
        rejects: by reason.
    """

    candidates: int = 0
    admitted: int = 0
    already_listed: int = 0
    repeated: int = 0
    over_cap: int = 0
    rejects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REJECTS, 0))


@dataclass(frozen=True)
class Merged:
    """The list.

    Attributes:
        entries: an entry's id is its place.
        figures: by source, of a list taken as it is under the name OFFICIAL.
        unmatchable: candidates that spacing keeps from ever matching, the first few.
    """

    entries: list[Entry]
    figures: dict[str, SourceFigures]
    unmatchable: list[str]


_EXAMPLES: Final = 20


def merge(sources: Iterable[Source], *, total: int | None = None, official: Sequence[str] = ()) -> Merged:
    """Increments in the order of the sources, after deduplication (Demystifying CLIP Data, table 1).

    Args:
        sources: WordNet, unigrams, bigrams, titles.
        total: entries of the list at most; None: no limit.
        official: a list to be taken as it is, ids and all, before anything else; nothing in it is rejected.

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
    holders: dict[str, list[str]] = {text: [OFFICIAL] for text in texts}
    figures = {OFFICIAL: SourceFigures(len(texts), admitted=len(texts))} if texts else {}
    unmatchable: list[str] = []
    for source in sources:
        own = figures[source.name] = SourceFigures(candidates=len(source.candidates))
        for candidate in source.candidates:
            held_by = holders.get(candidate.text)
            if held_by is not None:
                if held_by[-1] == source.name:
                    own.repeated += 1
                else:
                    held_by.append(source.name)
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
                holders[candidate.text] = [source.name]
    entries = [
        Entry(text, source_name, score, tuple(holders[text]))
        for text, (source_name, score) in zip(texts, listed, strict=True)
    ]
    return Merged(entries, figures, unmatchable)


def reject_reason(text: str) -> str | None:
    r"""Why a text is no entry; None if it is one. Nothing else is corrected or left out.

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
    """Candidates by score, descending, then by UTF-8 bytes.

    >>> [candidate.text for candidate in in_order([Candidate("b", 1), Candidate("a", 1), Candidate("c", 2)])]
    ['c', 'a', 'b']
    """
    return sorted(candidates, key=lambda one: (-(one.score or 0.0), one.text.encode("utf-8", "surrogatepass")))
