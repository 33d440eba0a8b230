"""Counting words and pairs of neighbours in tables of their own: some ten nanoseconds a byte, memory bounded.

A word has a number, its place in the order of first sight, and a pair is two numbers; so a pair costs one look into one
table however long its words are. Equality is exact: equal hashes are followed by a comparison of bytes.
"""

# numba types these functions by what they are called with; for mypy an np.uint64 is no int
# mypy: disable-error-code="arg-type, no-any-return, assignment, return-value"
# ruff: noqa: PLR2004 - bytes of UTF-8

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaclip_spark.core.metadata.wikitext_entities import OFFSET, hash_byte
from metaclip_spark.core.metadata.words import BAD, BLANK, LETTER, LONGEST, MARK, ODD
from metaclip_spark.jit import inlined_step, kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT, LAST_START, LAST_SIZE, WORDS, ARENA, PAIRS, TOKENS, LEFT_OUT = range(8)
"""Places in `WordTable.at`: where to go on in the text; start and size of the last word, size 0 where the next one has
no neighbour; distinct words; bytes of their text; distinct pairs; word tokens; tokens that are no words."""
FIELDS = 8

DONE, WORDS_FULL, PAIRS_FULL = 0, 1, 2

_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_NONE = np.uint64(0)


class WordTable(NamedTuple):
    """Words and pairs with their counts; tables are open-addressed, at most two thirds full.

    Attributes:
        arena: uint8, the words' text, one after another.
        ends: int32, where each word's text ends; shape (words + 1,), the first is 0.
        counts: int64, of each word.
        hashes: uint64, of each word.
        slots: int32, number of the word + 1, or 0; a power of two.
        pairs: uint64, (number of the first + 1) << 32 | number of the second, or 0; a power of two.
        pair_counts: int64, at the same places.
        at: int64, shape (FIELDS,).
    """

    arena: NDArray[np.uint8]
    ends: NDArray[np.int32]
    counts: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    slots: NDArray[np.int32]
    pairs: NDArray[np.uint64]
    pair_counts: NDArray[np.int64]
    at: NDArray[np.int64]


@kernel
def count_words(text: NDArray[np.uint8], size: int, classes: NDArray[np.uint8], table: WordTable) -> int:
    """Count the words of a text, and its pairs of neighbours, from where `at` says.

    Args:
        text: valid UTF-8 and at least 4 zero bytes behind it.
        size: its bytes.
        classes: of characters.
        table: to count into.

    Returns:
        DONE, or which of the tables is full: then it stopped before a token, and goes on there when called again.
    """
    at = table.at
    last = np.int64(-1)
    if at[LAST_SIZE] > 0:  # the tables have been emptied since, or have grown
        last = word_number(text, at[LAST_START], at[LAST_SIZE], table)
    i = at[AT]
    while i < size:
        kind, width = character(text, i, classes)
        if kind <= MARK:
            if kind != BLANK:
                last = np.int64(-1)
            i += width
            continue
        end, is_word = token_end(text, i, size, classes)
        if not is_word:
            last = np.int64(-1)
            at[LEFT_OUT] += 1
            i = end
            continue
        full = fullness(table, end - i)
        if full != DONE:
            at[AT] = i
            at[LAST_SIZE] = at[LAST_SIZE] if last >= 0 else 0
            return full
        number = word_number(text, i, end - i, table)
        table.counts[number] += 1
        at[TOKENS] += 1
        if last >= 0:
            count_pair(last, number, 1, table)
        last = number
        at[LAST_START], at[LAST_SIZE] = i, end - i
        i = end
    at[AT] = i
    at[LAST_SIZE] = 0
    return DONE


@kernel
def move_pairs(old: WordTable, new: WordTable) -> None:
    """Fill a larger table of pairs from a smaller one."""
    for place in range(len(old.pairs)):
        if old.pairs[place] != _NONE:
            key = old.pairs[place]
            count_pair(np.int64(key >> _HALF) - 1, np.int64(key & np.uint64(0xFFFFFFFF)), old.pair_counts[place], new)


@kernel
def place_words(table: WordTable) -> None:
    """Fill the slots of a table whose words stand in `hashes` already."""
    mask = len(table.slots) - 1
    for number in range(table.at[WORDS]):
        place = np.int64(table.hashes[number] >> np.uint64(8)) & mask
        while table.slots[place] != 0:
            place = (place + 1) & mask
        table.slots[place] = number + 1


@kernel
def write_pairs(table: WordTable, places: NDArray[np.int64], text: NDArray[np.uint8], ends: NDArray[np.int32]) -> None:
    """Write pairs as text, two words with a space between.

    Args:
        table: counted.
        places: of the pairs.
        text: room for them all.
        ends: int32, shape (pairs + 1,), the first is 0; where each ends.
    """
    at = np.int64(0)
    for i in range(len(places)):
        key = table.pairs[places[i]]
        for number in (np.int64(key >> _HALF) - 1, np.int64(key & np.uint64(0xFFFFFFFF))):
            for j in range(table.ends[number], table.ends[number + 1]):
                text[at] = table.arena[j]
                at += 1
            text[at] = 32  # the one behind the second word is where the next pair begins
            at += 1
        at -= 1
        ends[i + 1] = at


@inlined_step
def character(text: NDArray[np.uint8], i: int, classes: NDArray[np.uint8]) -> tuple[int, int]:
    """Class and bytes of the character here."""
    first = np.int64(text[i])
    if first < 0x80:
        return np.int64(classes[first]), np.int64(1)
    if first < 0xE0:
        return np.int64(classes[(first & 31) << 6 | text[i + 1] & 63]), np.int64(2)
    point = (first & 15) << 12 | (text[i + 1] & 63) << 6 | text[i + 2] & 63
    if first < 0xF0:
        return np.int64(classes[point]), np.int64(3)
    point = (first & 7) << 18 | (text[i + 1] & 63) << 12 | (text[i + 2] & 63) << 6 | text[i + 3] & 63
    if point < len(classes):
        return np.int64(classes[point]), np.int64(4)
    return np.int64(LETTER if point < 0x40000 else BAD), np.int64(4)


@inlined_step
def token_end(text: NDArray[np.uint8], start: int, size: int, classes: NDArray[np.uint8]) -> tuple[int, bool]:
    """Where the token here ends, and whether it is a word."""
    i = start
    first, width = character(text, i, classes)
    last = first
    seen = 0
    length = 0
    while True:
        seen |= 1 << last
        length += 1
        i += width
        if i >= size:
            break
        kind, width = character(text, i, classes)
        if kind <= MARK:
            break
        last = kind
    is_word = seen & (1 << LETTER | 1 << BAD) == 1 << LETTER and ODD not in (first, last) and length <= LONGEST
    return i, is_word


@inlined_step
def fullness(table: WordTable, size: int) -> int:
    """Whether there is room for one more word of a size, and one more pair."""
    words = table.at[WORDS] + 1
    if 3 * words >= 2 * len(table.slots) or words >= len(table.counts) or table.at[ARENA] + size > len(table.arena):
        return WORDS_FULL
    return PAIRS_FULL if 3 * (table.at[PAIRS] + 1) >= 2 * len(table.pairs) else DONE


@inlined_step
def word_number(text: NDArray[np.uint8], start: int, size: int, table: WordTable) -> int:
    """The number of a word; a new one gets the next."""
    hashed = OFFSET
    for i in range(start, start + size):
        hashed = hash_byte(hashed, text[i])
    hashed = (hashed ^ hashed >> _HALF) * _MIX
    mask = len(table.slots) - 1
    place = np.int64(hashed >> np.uint64(8)) & mask
    while table.slots[place] != 0:
        number = np.int64(table.slots[place]) - 1
        if table.hashes[number] == hashed and same_word(text, start, size, table, number):
            return number
        place = (place + 1) & mask
    number = table.at[WORDS]
    table.slots[place] = number + 1
    table.hashes[number] = hashed
    table.counts[number] = 0
    begin = table.at[ARENA]
    for i in range(size):
        table.arena[begin + i] = text[start + i]
    table.at[ARENA] = begin + size
    table.ends[number + 1] = begin + size
    table.at[WORDS] = number + 1
    return number


@inlined_step
def same_word(text: NDArray[np.uint8], start: int, size: int, table: WordTable, number: int) -> bool:
    """Whether a word of the table is this one."""
    begin = np.int64(table.ends[number])
    if table.ends[number + 1] - begin != size:
        return False
    for i in range(size):  # noqa: SIM110 - compiled
        if table.arena[begin + i] != text[start + i]:
            return False
    return True


@step
def count_pair(first: int, second: int, count: int, table: WordTable) -> None:
    """Add to the count of a pair."""
    key = np.uint64(first + 1) << _HALF | np.uint64(second)
    mask = len(table.pairs) - 1
    place = np.int64((key ^ key >> np.uint64(29)) * _MIX >> np.uint64(20)) & mask
    while table.pairs[place] != _NONE and table.pairs[place] != key:
        place = (place + 1) & mask
    if table.pairs[place] == _NONE:
        table.pairs[place] = key
        table.pair_counts[place] = 0
        table.at[PAIRS] += 1
    table.pair_counts[place] += count
