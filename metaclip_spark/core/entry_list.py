"""Lists of metadata entries: read them, name them by a digest, and say which of them can match at all.

An entry's id is its 0-based position in the list as given. Nothing shifts and nothing is trimmed but a byte order mark
and the line ends: entry 7 of the file is entry 7 of every table.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from metaclip_spark.core.spacing import PUNCTUATION, WHITESPACE
from metaclip_spark.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_EXAMPLES: Final = 5
_LENGTH_BYTES: Final = 8

_MARK: Final = "[" + re.escape(PUNCTUATION.decode()) + "]"
_CONTROL: Final = re.compile("[" + re.escape(WHITESPACE.decode()) + "]")
_SUSPECT: Final = re.compile("[" + re.escape((WHITESPACE + PUNCTUATION).decode()) + "]")
# Spacing puts a space on both sides of each mark, and so two between neighbouring marks. No caption that was spaced can
# hold a mark next to anything else, or two marks with a single space between them.
_NEVER_IN_SPACED_TEXT: Final = re.compile(f"[^ ]{_MARK}|{_MARK}[^ ]|{_MARK} {_MARK}")


class EntryFate(IntEnum):
    """What becomes of an entry when metadata is compiled. All but MATCHABLE are reported and never match."""

    MATCHABLE = 0
    BLANK = 1
    """Empty or only spaces: it would match every double space."""
    REPEATED = 2
    """Equal to an earlier entry, whose id stands for both."""
    CONTROL = 3
    """Holds a tab, newline or carriage return, which spacing removes from captions."""
    UNMATCHABLE = 4
    """Holds punctuation in a form that spacing never leaves, such as "St. Louis" or "a , , b"."""


@dataclass(frozen=True)
class EntryReport:
    """How many entries of a list can match, and why the others cannot.

    Attributes:
        counts: number of entries by fate, every fate present.
        examples: the first few entry ids by fate, MATCHABLE left out.
    """

    counts: dict[EntryFate, int]
    examples: dict[EntryFate, list[int]]

    def as_dict(self) -> dict[str, Any]:
        """JSON form: {"counts": {"matchable": 3, …}, "examples": {"unmatchable": [7, …], …}}."""
        return {
            "counts": {fate.name.lower(): count for fate, count in self.counts.items()},
            "examples": {fate.name.lower(): ids for fate, ids in self.examples.items()},
        }

    @classmethod
    def from_fates(cls, fates: NDArray[np.uint8]) -> EntryReport:
        """Count the result of `classify_entries`."""
        return cls(
            counts={fate: int(np.count_nonzero(fates == fate)) for fate in EntryFate},
            examples={
                fate: [int(i) for i in np.flatnonzero(fates == fate)[:_EXAMPLES]]
                for fate in EntryFate
                if fate is not EntryFate.MATCHABLE
            },
        )


def parse_text(data: bytes) -> list[str]:
    r"""Entries of a text file, one a line.

    Lines end in "\n" or "\r\n", the last one possibly in nothing; only these and a leading byte order mark are removed.
    Other line separators of Unicode are part of an entry.

    Args:
        data: the file's content, uncompressed UTF-8.

    Returns:
        Entries in order, empty lines included.

    Raises:
        InputError: the bytes are not UTF-8; names the line.

    >>> parse_text(b"a b\r\n c \n\nd")
    ['a b', ' c ', '', 'd']
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"metadata is not UTF-8: byte 0x{data[error.start]:02x} in line {line} (offset {error.start}): "
            "convert the list to UTF-8, one entry a line"
        ) from None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def first_unwritable_as_text(entries: Sequence[str]) -> int | None:
    r"""Id of the first entry that a text file of one entry a line would not give back; None where it gives the list.

    >>> [first_unwritable_as_text(entries) for entries in (["a", ""], ["a", "b\nc"], ["a\r"], ["\ufeffa"])]
    [None, 1, 0, 0]
    """
    for i, entry in enumerate(entries):
        if "\n" in entry or entry.endswith("\r") or (i == 0 and entry.startswith("\ufeff")):
            return i
    return None


def parse_json(data: bytes) -> list[str]:
    """Entries of a JSON array of strings, the form of the published `metadata.json`.

    Args:
        data: the file's content.

    Returns:
        Entries in order.

    Raises:
        InputError: no JSON, no array, an item that is no string or holds half a surrogate pair; names its position.

    >>> parse_json(b'["a", "new york"]')
    ['a', 'new york']
    """
    try:
        entries = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, a number too long, arrays too deep
        raise InputError(f"metadata is not JSON: {error}: expected an array of strings in UTF-8") from None
    if not isinstance(entries, list):
        raise InputError(f"metadata is a JSON {type(entries).__name__}: expected an array of strings")
    for i, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise InputError(f"metadata entry {i} is a {type(entry).__name__}, {entry!r}: expected a string")
    encode_entries(entries)
    return entries


def fates_of_entries(entries: Sequence[str]) -> dict[str, int]:
    """Number of entries, and of those that never match by why, as far as there are any.

    >>> fates_of_entries(["a", "a", "St. Louis"])
    {'entries': 3, 'repeated': 1, 'unmatchable': 1}
    """
    report = EntryReport.from_fates(classify_entries(entries))
    counts = {fate.name.lower(): count for fate, count in report.counts.items() if fate is not EntryFate.MATCHABLE}
    return {"entries": len(entries)} | {name: count for name, count in counts.items() if count}


def encode_entries(entries: Sequence[str]) -> list[bytes]:
    """UTF-8 of each entry.

    Raises:
        InputError: an entry holds half a surrogate pair, which has no UTF-8; names its position.
    """
    try:
        return [entry.encode() for entry in entries]
    except UnicodeEncodeError as error:
        i = next(i for i, entry in enumerate(entries) if entry == error.object)
        raise InputError(f"metadata entry {i}, {entries[i]!r}, is no valid Unicode text: correct or drop it") from None


def metadata_digest(entries: Sequence[str]) -> str:
    """Name of a metadata list: equal lists in equal order, and only they, have equal digests.

    SHA-256 over each entry's UTF-8, preceded by its length in bytes as 8 bytes, little-endian; the prefix keeps
    ["ab"] and ["a", "b"] apart.

    Returns:
        64 hex digits.

    >>> metadata_digest(["a", "new york"])[:16]
    'c6f01ecb5b81abfc'
    """
    return digest_of_encoded(encode_entries(entries))


def overall_digest(digests: Mapping[str, str]) -> str:
    """One name for the lists of several languages: SHA-256 over lines `language digest`, in the languages' order.

    >>> overall_digest({"vi": "00", "af": "ff"}) == overall_digest({"af": "ff", "vi": "00"})
    True
    """
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def digest_of_encoded(entries: Sequence[bytes]) -> str:
    """`metadata_digest` of entries that are UTF-8 already."""
    prefixes = [n.to_bytes(_LENGTH_BYTES, "little") for n in range(256)]
    parts: list[bytes] = []
    for entry in entries:
        length = len(entry)
        parts += (prefixes[length] if length < len(prefixes) else length.to_bytes(_LENGTH_BYTES, "little"), entry)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def classify_entries(entries: Sequence[str]) -> NDArray[np.uint8]:
    r"""The fate of each entry; where several hold, the first in the order of `EntryFate`.

    Returns:
        uint8, shape (entries,), values of `EntryFate`.

    >>> [EntryFate(f).name for f in classify_entries(["a", " ", "a", "x\ty", "St. Louis", "St . Louis"])]
    ['MATCHABLE', 'BLANK', 'REPEATED', 'CONTROL', 'UNMATCHABLE', 'MATCHABLE']
    """
    fates = np.zeros(len(entries), np.uint8)
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if not entry.strip(" "):
            fates[i] = EntryFate.BLANK
        elif entry in seen:
            fates[i] = EntryFate.REPEATED
        elif _SUSPECT.search(entry):  # one cheap look settles nearly all
            if _CONTROL.search(entry):
                fates[i] = EntryFate.CONTROL
            elif _NEVER_IN_SPACED_TEXT.search(entry):
                fates[i] = EntryFate.UNMATCHABLE
        seen.add(entry)
    return fates
