"""Spacing and matching by hand-checked cases, run against the naive rule and every form of the compiled matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from metaclip_spark.core.entry_list import EntryFate, classify_entries
from metaclip_spark.core.matching.artifact import artifact_from_buffer, artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.oracle import match_naive
from metaclip_spark.core.spacing import space_caption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Match = Callable[[bytes, Sequence[str]], list[int]]

SPACED = {
    "nothing": (b"", b"  "),
    "a space": (b" ", b"   "),
    "plain": (b"a b", b" a b "),
    "all seven marks": (b",.;:?!`", b"  ,  .  ;  :  ?  !  `  "),
    "mark between words": (b"a,b", b" a , b "),
    "mark before a space": (b"a, b", b" a ,  b "),
    "blanks": (b"a\tb\nc\rd", b" a b c d "),
    "no separators": (b"a-b_c/d'e\"f(g)", b" a-b_c/d'e\"f(g) "),
    "other blanks stay": ("a\u00a0b\u3000c\x0bd".encode(), " a\u00a0b\u3000c\x0bd ".encode()),
    "not UTF-8": (b"\xff,\xfe", b" \xff , \xfe "),
}


@pytest.mark.parametrize(("caption", "spaced"), SPACED.values(), ids=SPACED)
def test_space_caption(caption: bytes, spaced: bytes) -> None:
    assert space_caption(caption) == spaced


def naive(caption: bytes, entries: Sequence[str]) -> list[int]:
    dead = {EntryFate.BLANK, EntryFate.REPEATED, EntryFate.CONTROL}  # unmatchable ones take care of themselves
    fates = classify_entries(entries)
    return match_naive(caption, [None if fate in dead else e.encode() for e, fate in zip(entries, fates, strict=True)])


def one(caption: bytes, entries: Sequence[str]) -> list[int]:
    return Matcher(compile_metadata(entries)).match(caption)


def batch(caption: bytes, entries: Sequence[str]) -> list[int]:
    array = pa.array([b"x" * 7, caption, None, caption], pa.large_binary())
    _, first, null, second = Matcher(compile_metadata(entries)).match_batch(array).to_pylist()
    assert null is None
    assert first == second
    return first


def loaded(caption: bytes, entries: Sequence[str]) -> list[int]:
    return Matcher(artifact_from_buffer(artifact_to_bytes(compile_metadata(entries)))).match(caption)


LONG = "antidisestablishmentarianism"
MATCHES = {
    "nested and overlapping": (
        "new york city",
        ["new york", "york city", "york", "new york city", "new"],
        [0, 1, 2, 3, 4],
    ),
    "once each, ascending": ("b a b a", ["b", "a", "a b", "b a"], [0, 1, 2, 3]),
    "case-sensitive": ("Photo", ["photo", "Photo"], [1]),
    "no part of a word": ("cathedral", ["cat", "hedral", "the"], []),
    "hyphen is no separator": ("sun-set", ["sun", "set", "sun-set"], [2]),
    "comma doubles the space": ("a, b", ["a b", "a", "b", "a , b", "a ,  b"], [1, 2, 4]),
    "comma without a space": ("a,b", ["a , b", "a ,  b", "a,b"], [0]),
    "a mark alone": ("a,b", [",", "."], [0]),
    "two marks": ("a,,b", [", ,", ",  ,", "a ,  , b"], [1, 2]),
    "marks at the edges": (",a.", [", a .", " , a", "a . ", ", a"], [0, 1, 2, 3]),
    "double space": ("a  b", ["a b", "a  b", "a ", " b", "  b"], [1, 2, 3]),
    "edge spaces of entries": (" a", [" a", "a", "a ", "  a"], [0, 1]),
    "blank entries never match": ("a  b", ["", " ", "  ", "b"], [3]),
    "repeats belong to the first": ("a", ["b", "a", "a"], [1]),
    "control characters never match": ("a b", ["a\tb", "a\nb", "a b\r", "a b"], [3]),
    "unmatchable": ("St. Louis U.S.", ["St. Louis", "U.S.", "St .  Louis", "a , , b"], [2]),
    "nothing in nothing": ("", ["", "a", " "], []),
    "tab is a space": ("a\tb", ["a b", "a"], [0, 1]),
    "NUL is a letter": ("a\x00 b \x00", ["a", "a\x00", "b \x00", "\x00"], [1, 2, 3]),
    "zero padding is no equality": ("a\x00\x00 abcdefgh\x00", ["a", "a\x00", "abcdefgh", "a\x00\x00"], [3]),
    "emoji": ("a 🙂 b🙂", ["🙂", "b", "a 🙂 b🙂"], [0, 2]),
    "no normalisation": ("caf\u00e9", ["cafe\u0301", "caf\u00e9", "cafe"], [1]),
    "sixteen bytes and one more": ("a" * 16 + " " + "a" * 17, ["a" * 16, "a" * 17, "a" * 15, "a" * 18], [0, 1]),
    "long words differ at the end": (LONG + "s", [LONG, LONG + "s", LONG + "z"], [1]),
    "long words differ in the middle": (LONG, [LONG.replace("men", "nem"), LONG], [1]),
    "phrase of long words": (f"{LONG} x {LONG}", [f"{LONG} x {LONG}", f"x {LONG}", f"{LONG} {LONG}"], [0, 1]),
    "phrase across the rows' end": ("york", ["york york", "york x"], []),
    "words of a phrase, not the phrase": ("a c b", ["a b", "a b c", "c b"], [2]),
    "prefix of a longer entry": ("a b c", ["a b c d", "a b"], [1]),
    "64 bytes": ("x" * 63 + " y", ["y", "x" * 63], [0, 1]),
    "no entries": ("a", [], []),
}


@pytest.mark.parametrize("match", [naive, one, batch, loaded])
@pytest.mark.parametrize(("caption", "entries", "expected"), MATCHES.values(), ids=MATCHES)
def test_matches(match: Match, caption: str, entries: list[str], expected: list[int]) -> None:
    assert match(caption.encode(), entries) == expected


@pytest.mark.parametrize("match", [naive, one, batch])
def test_bytes_that_are_not_utf8(match: Match) -> None:
    assert match(b"\xff a \xc3", ["a", "\u00ff", "\u00c3"]) == [0]
