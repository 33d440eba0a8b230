"""Candidates from WordNet: the numbers "0" to "99", and the names of synsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.entries.merge import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable

EDITION: Final = "3.0"
"""Edition of WordNet from which the published metadata was made."""
ENTRIES: Final = 86_654
"""Number of entries from this edition, including the numbers (Demystifying CLIP Data, table 1)."""

NUMBERS: Final = tuple(str(number) for number in range(100))

# Language codes of the Open Multilingual WordNet, by the code of the language's Wikipedia.
OPEN_MULTILINGUAL: Final = {
    "ar": "arb", "bg": "bul", "ca": "cat", "da": "dan", "el": "ell", "es": "spa", "eu": "eus", "fi": "fin",
    "fr": "fra", "gl": "glg", "he": "heb", "hr": "hrv", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn",
    "lt": "lit", "ms": "zsm", "nb": "nob", "nl": "nld", "nn": "nno", "no": "nob", "pl": "pol", "pt": "por",
    "ro": "ron", "sk": "slk", "sl": "slv", "sq": "als", "sv": "swe", "th": "tha", "zh": "cmn",
}  # fmt: skip


def entry_of_synset(name: str) -> str:
    """Return the entry of a synset: its name up to the first full stop, "_" replaced by a space.

    >>> entry_of_synset("new_york.n.01"), entry_of_synset("dr..n.01"), entry_of_synset(".22.n.01")
    ('new york', 'dr', '')
    """
    return entry_of_lemma(name.partition(".")[0])


def entry_of_lemma(name: str) -> str:
    """Return the entry of a lemma: "_" replaced by a space."""
    return name.replace("_", " ")


def wordnet_candidates(entries: Iterable[str]) -> list[Candidate]:
    """Return the numbers "0" to "99", then the distinct entries in the order of their bytes; WordNet has no score.

    >>> [candidate.text for candidate in wordnet_candidates(["dog", "dog", "ant", "7", ""])][99:]
    ['99', 'ant', 'dog']
    """
    distinct = set(entries) - {"", *NUMBERS}
    ordered = sorted(distinct, key=lambda entry: entry.encode("utf-8", "surrogatepass"))
    return [Candidate(entry) for entry in (*NUMBERS, *ordered)]
