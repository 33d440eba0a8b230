"""Comparison of the compiled matcher with the naive rule, on random metadata and captions full of edge cases.

The short test is part of every test run. Start the long one with `pytest -m slow tests/property/test_matcher_fuzz.py`.
"""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from metaclip_spark.core.entry_list import EntryFate, classify_entries
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.oracle import match_naive

CAPTIONS = 200
NEVER = {EntryFate.BLANK, EntryFate.REPEATED, EntryFate.CONTROL}

EDGES = (1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 62, 63, 64, 65, 127, 128, 129)
SEPARATORS = (
    " ",
    " ",
    " ",
    " ",
    "  ",
    ",",
    ", ",
    " ,",
    " , ",
    ".",
    "!?",
    "\t",
    "\n",
    "\r",
    " \t ",
    "`",
    ";",
    ":",
    "   ",
)
ALPHABETS = ("ab", "a", "a\x00", "é", "🙂a", "abc", "\u3000x", "-'", "中文", "\x7f\x80")
NOT_UTF8 = (b"\xff", b"\xc3", b"\xf0\x9f", b"\x80", b"\x00")


def make_words(source: random.Random) -> list[str]:
    """Return a small vocabulary: short words of few letters, which recur, and words of critical lengths."""
    words = [source.choice(source.choice(ALPHABETS)) * source.randint(1, 3) for _ in range(source.randint(1, 6))]
    for _ in range(source.randint(0, 4)):
        letters = source.choice(ALPHABETS)
        word = "".join(source.choice(letters) for _ in range(source.choice(EDGES)))
        words.append(word)
        if source.random() < 0.5:  # a second word that differs in one character
            at = source.randrange(len(word))
            words.append(word[:at] + source.choice(("z", "\x00", "é")) + word[at + 1 :])
    return words


def make_text(source: random.Random, words: list[str], max_words: int) -> str:
    parts = [source.choice(("", "", "", " ", ",", "  "))]
    for _ in range(source.randint(0, max_words)):
        parts += (source.choice(words), source.choice(SEPARATORS))
    if source.random() < 0.7 and len(parts) > 1:
        parts.pop()
    return "".join(parts)


def make_entries(source: random.Random, words: list[str]) -> list[str]:
    entries = [
        make_text(source, words, 5) if source.random() < 0.6 else source.choice(words)
        for _ in range(source.randint(0, 24))
    ]
    entries += [" ".join(source.choices(words, k=source.randint(2, 4))) for _ in range(source.randint(0, 12))]
    entries += source.choices(entries, k=2) if entries else []
    source.shuffle(entries)
    return entries


def make_caption(source: random.Random, words: list[str], entries: list[str]) -> bytes | None:
    kind = source.random()
    if kind < 0.03:
        return None
    if kind < 0.05:
        return b""
    if kind < 0.25 and entries:
        caption = source.choice(SEPARATORS).join(source.choices(entries, k=source.randint(1, 4))).encode()
    else:
        caption = make_text(source, words, 4 if kind < 0.5 else 16).encode()
    if kind > 0.97:
        caption = caption * source.randint(2, 400)  # sometimes a long row
    if source.random() < 0.1:
        at = source.randint(0, len(caption))
        caption = caption[:at] + source.choice(NOT_UTF8) + caption[at + source.randint(0, 1) :]
    return caption


def as_array(source: random.Random, captions: list[bytes | None]) -> pa.Array:
    """Return the captions as a random type of Arrow array, possibly as a slice of a longer array."""
    before, after = (source.choices(captions, k=source.randint(0, 9)) for _ in range(2))
    raw, text = source.choice(((pa.binary(), pa.string()), (pa.large_binary(), pa.large_string())))
    array = pa.array([*before, *captions, *after], raw)
    if source.random() < 0.5:
        array = pa.Array.from_buffers(text, len(array), array.buffers(), null_count=array.null_count)
    return array.slice(len(before), len(captions))


def check_random_metadata(seed: int) -> int:
    """Compare both matchers on random metadata and captions, and return the number of captions with a match."""
    source = random.Random(seed)
    words = make_words(source)
    entries = make_entries(source, words)
    captions = [make_caption(source, words, entries) for _ in range(CAPTIONS)]
    fates = classify_entries(entries)
    comparable = [None if fate in NEVER else e.encode() for e, fate in zip(entries, fates, strict=True)]
    expected = [None if caption is None else match_naive(caption, comparable) for caption in captions]
    matcher = Matcher(compile_metadata(entries, seed=source.randrange(2**64)))
    found = matcher.match_batch(as_array(source, captions)).to_pylist()
    if found != expected:
        row = next(i for i in range(CAPTIONS) if found[i] != expected[i])
        pytest.fail(f"seed {seed}, row {row}: {captions[row]!r} against {entries!r}: {found[row]}, not {expected[row]}")
    matched = {entry for ids in expected for entry in ids or ()}
    assert not [entries[i] for i in matched if fates[i] == EntryFate.UNMATCHABLE]
    return sum(bool(ids) for ids in expected)


def test_random_metadata() -> None:
    matched = sum(check_random_metadata(seed) for seed in range(250))
    assert matched > 250 * CAPTIONS // 2  # enough captions match: comparing empty results would prove little


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_more_random_metadata(part: int) -> None:
    """1,040,000 captions and 5,200 lists of entries in all parts."""
    for seed in range(1000 + part * 260, 1000 + (part + 1) * 260):
        check_random_metadata(seed)
