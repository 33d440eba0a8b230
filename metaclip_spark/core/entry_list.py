"""Lists of metadata entries: parsing, digest, and classification of entries that can never match.

The id of an entry is its 0-based position in the list. Only a byte order mark and line ends are removed and no entry is
skipped, so entry 7 of the file is entry 7 of every table.
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
# Spacing adds a space on both sides of each mark, so there are two between neighbouring marks. In a spaced caption, a
# mark is never next to anything but a space, and two marks never have a single space between them.
_NEVER_IN_SPACED_TEXT: Final = re.compile(f"[^ ]{_MARK}|{_MARK}[^ ]|{_MARK} {_MARK}")


class EntryFate(IntEnum):
    """Class of an entry of compiled metadata. Entries of all classes but MATCHABLE never match and are reported."""

    MATCHABLE = 0
    BLANK = 1
    """Empty or only spaces; it would match every double space."""
    REPEATED = 2
    """Equal to an earlier entry, which matches instead of it."""
    CONTROL = 3
    """Contains a tab, newline or carriage return, which spacing removes from captions."""
    UNMATCHABLE = 4
    """Contains punctuation in a form that no spaced caption has, such as "St. Louis" or "a , , b"."""


@dataclass(frozen=True)
class EntryReport:
    """Number of entries of a list that can match, and of the others by reason.

    Attributes:
        counts: Number of entries by fate, for every fate.
        examples: First few entry ids by fate, without MATCHABLE.
    """

    counts: dict[EntryFate, int]
    examples: dict[EntryFate, list[int]]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: {"counts": {"matchable": 3, …}, "examples": {"unmatchable": [7, …], …}}."""
        return {
            "counts": {fate.name.lower(): count for fate, count in self.counts.items()},
            "examples": {fate.name.lower(): ids for fate, ids in self.examples.items()},
        }

    @classmethod
    def from_fates(cls, fates: NDArray[np.uint8]) -> EntryReport:
        """Return the report of the fates that `classify_entries` returned."""
        return cls(
            counts={fate: int(np.count_nonzero(fates == fate)) for fate in EntryFate},
            examples={
                fate: [int(i) for i in np.flatnonzero(fates == fate)[:_EXAMPLES]]
                for fate in EntryFate
                if fate is not EntryFate.MATCHABLE
            },
        )


def parse_text(data: bytes) -> list[str]:
    r"""Return the entries of a text file with one entry per line.

    Lines end in "\n" or "\r\n"; the last line may have no end. Only line ends and a byte order mark are removed.
    Other line separators of Unicode are part of an entry.

    Args:
        data: Content of the file, uncompressed UTF-8.

    Returns:
        Entries in order, including empty lines.

    Raises:
        InputError: The bytes are not UTF-8; the message names the line.

    >>> parse_text(b"a b\r\n c \n\nd")
    ['a b', ' c ', '', 'd']
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"The metadata is not UTF-8: byte 0x{data[error.start]:02x} in line {line} (offset {error.start}). Convert "
            "it to UTF-8 with one entry per line."
        ) from None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def first_unwritable_as_text(entries: Sequence[str]) -> int | None:
    r"""Return the id of the first entry that a text file with one entry per line cannot store, or None.

    >>> [first_unwritable_as_text(entries) for entries in (["a", ""], ["a", "b\nc"], ["a\r"], ["\ufeffa"])]
    [None, 1, 0, 0]
    """
    for i, entry in enumerate(entries):
        if "\n" in entry or entry.endswith("\r") or (i == 0 and entry.startswith("\ufeff")):
            return i
    return None


def parse_json(data: bytes) -> list[str]:
    """Return the entries of a JSON array of strings, the form of the published `metadata.json`.

    Args:
        data: Content of the file.

    Raises:
        InputError: The data is not a JSON array, or an item is not a string of valid Unicode; the message names it.

    >>> parse_json(b'["a", "new york"]')
    ['a', 'new york']
    """
    try:
        entries = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, a number too long, arrays too deep
        raise InputError(f"The metadata is not JSON: {error}. Pass an array of strings in UTF-8.") from None
    if not isinstance(entries, list):
        raise InputError(f"The metadata is a JSON {type(entries).__name__}. Pass an array of strings.")
    for i, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise InputError(f"Metadata entry {i} is a {type(entry).__name__}, {entry!r}, not a string.")
    encode_entries(entries)
    return entries


def fates_of_entries(entries: Sequence[str]) -> dict[str, int]:
    """Return the number of entries, and of those that never match by reason, without zeros.

    >>> fates_of_entries(["a", "a", "St. Louis"])
    {'entries': 3, 'repeated': 1, 'unmatchable': 1}
    """
    report = EntryReport.from_fates(classify_entries(entries))
    counts = {fate.name.lower(): count for fate, count in report.counts.items() if fate is not EntryFate.MATCHABLE}
    return {"entries": len(entries)} | {name: count for name, count in counts.items() if count}


def encode_entries(entries: Sequence[str]) -> list[bytes]:
    """Return the UTF-8 of each entry.

    Raises:
        InputError: An entry contains half a surrogate pair, which UTF-8 cannot encode; the message names the entry.
    """
    try:
        return [entry.encode() for entry in entries]
    except UnicodeEncodeError as error:
        i = next(i for i, entry in enumerate(entries) if entry == error.object)
        raise InputError(f"Metadata entry {i}, {entries[i]!r}, is not valid Unicode. Correct or remove it.") from None


def metadata_digest(entries: Sequence[str]) -> str:
    """Return the digest that identifies a metadata list: equal entries in the same order have the same digest.

    It is SHA-256 over each entry's UTF-8, preceded by its length in bytes as 8 bytes, little-endian. The length
    distinguishes ["ab"] from ["a", "b"].

    Returns:
        64 hex digits.

    >>> metadata_digest(["a", "new york"])[:16]
    'c6f01ecb5b81abfc'
    """
    return digest_of_encoded(encode_entries(entries))


def overall_digest(digests: Mapping[str, str]) -> str:
    """Return one digest for the lists of several languages: SHA-256 over sorted lines `language digest`.

    >>> overall_digest({"vi": "00", "af": "ff"}) == overall_digest({"af": "ff", "vi": "00"})
    True
    """
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def digest_of_encoded(entries: Sequence[bytes]) -> str:
    """Return `metadata_digest` of entries that are encoded already."""
    prefixes = [n.to_bytes(_LENGTH_BYTES, "little") for n in range(256)]
    parts: list[bytes] = []
    for entry in entries:
        length = len(entry)
        parts += (prefixes[length] if length < len(prefixes) else length.to_bytes(_LENGTH_BYTES, "little"), entry)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def classify_entries(entries: Sequence[str]) -> NDArray[np.uint8]:
    r"""Return the fate of each entry; if several apply, the first in the order of `EntryFate`.

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
        elif _SUSPECT.search(entry):  # one cheap search decides for nearly all entries
            if _CONTROL.search(entry):
                fates[i] = EntryFate.CONTROL
            elif _NEVER_IN_SPACED_TEXT.search(entry):
                fates[i] = EntryFate.UNMATCHABLE
        seen.add(entry)
    return fates
