"""WordNet's part of the list: names of synsets, and the numbers that open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.core.entries.merge import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable

EDITION: Final = "3.0"
"""The edition that the published list was made from."""
ENTRIES: Final = 86_654
"""What it gives, numbers included (Demystifying CLIP Data, table 1)."""

NUMBERS: Final = tuple(str(number) for number in range(100))

# Languages of the Open Multilingual WordNet, by the code of their Wikipedia.
OPEN_MULTILINGUAL: Final = {
    "ar": "arb", "bg": "bul", "ca": "cat", "da": "dan", "el": "ell", "es": "spa", "eu": "eus", "fi": "fin",
    "fr": "fra", "gl": "glg", "he": "heb", "hr": "hrv", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn",
    "lt": "lit", "ms": "zsm", "nb": "nob", "nl": "nld", "nn": "nno", "no": "nob", "pl": "pol", "pt": "por",
    "ro": "ron", "sk": "slk", "sl": "slv", "sq": "als", "sv": "swe", "th": "tha", "zh": "cmn",
}  # fmt: skip


def entry_of_synset(name: str) -> str:
    """The entry that a synset's name gives: up to the first full stop, "_" as a space.

    >>> entry_of_synset("new_york.n.01"), entry_of_synset("dr..n.01"), entry_of_synset(".22.n.01")
    ('new york', 'dr', '')
    """
    return entry_of_lemma(name.partition(".")[0])


def entry_of_lemma(name: str) -> str:
    """The entry that a lemma gives: "_" as a space."""
    return name.replace("_", " ")


def wordnet_candidates(entries: Iterable[str]) -> list[Candidate]:
    """The numbers "0" to "99", then the entries, each once, by their bytes; WordNet has no score.

    >>> [candidate.text for candidate in wordnet_candidates(["dog", "dog", "ant", "7", ""])][99:]
    ['99', 'ant', 'dog']
    """
    distinct = set(entries) - {"", *NUMBERS}
    ordered = sorted(distinct, key=lambda entry: entry.encode("utf-8", "surrogatepass"))
    return [Candidate(entry) for entry in (*NUMBERS, *ordered)]
