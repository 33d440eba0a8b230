"""Count words and pairs of neighbours: words in a hash table, pairs as numbers that are sorted later.

A word is found by its first 16 bytes, as entries are (`matching/kernels_hash.py`): no loop over bytes but for long
ones. A pair is the numbers of its words, written behind the last one: a hash table of pairs would miss the cache at
nearly each token, a sort of some millions of numbers does not. Equality is exact: equal hashes are followed by a
comparison of bytes.
"""

# numba types these functions by what they are called with; for mypy an np.uint64 is no int, and intrinsics have no type
# mypy: disable-error-code="arg-type, no-any-return, assignment, return-value, call-arg"
# ruff: noqa: PLR2004 - bytes of UTF-8

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import get_u64, load_8_bytes, put_u64, store_8_bytes
from metaclip_spark.core.word_hashing import (
    INLINE_BYTES,
    PAD,
    hash_word,
    same_bytes,
    word_high,
    word_low,
)
from metaclip_spark.core.words import BAD, BLANK, LETTER, LONGEST, MARK, ODD
from metaclip_spark.host.kernel_cache import inlined_lean_step, kernel, lean_kernel, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT, LAST_START, LAST_SIZE, WORDS, ARENA, PAIRS, TOKENS, LEFT_OUT = range(8)
"""Places in `WordTable.at`: where to go on in the text; start and size of the last word, size 0 where the next one has
no neighbour; distinct words; bytes of their text; pairs; word tokens; tokens that are no words."""
FIELDS: Final = 8

LOW, HIGH, HASH, COUNT = range(4)
"""A word's record: bytes 0 to 7 and 8 to 15, zeros behind its end; its hash; how often it was counted."""
RECORD: Final = 4
_RECORD_BYTES: Final = 8 * RECORD

DONE, WORDS_FULL, PAIRS_FULL = 0, 1, 2

_HALF = np.uint64(32)
_LOW_HALF = np.uint64(2**32 - 1)
_NONE = np.uint64(0)
_ONE = np.uint64(1)


class WordTable(NamedTuple):
    """Words with their counts, and pairs.

    Attributes:
        arena: uint8, the words' text, one after another, and PAD bytes, for words are read and written by eights.
        ends: int32, where each word's text ends; shape (words + 1,), the first is 0.
        records: uint64, of each word; shape (words * RECORD,).
        slots: uint64, upper half of the hash << 32 | number of the word + 1, or 0; twice as many as words, a power of
            two, open-addressed.
        pairs: uint64, number of the first word << 32 | of the second; one for each time that they stood side by side.
        at: int64, shape (FIELDS,).
    """

    arena: NDArray[np.uint8]
    ends: NDArray[np.int32]
    records: NDArray[np.uint64]
    slots: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    at: NDArray[np.int64]


class WordView(NamedTuple):
    """`WordTable` as the loop over tokens sees it: addresses and plain numbers.

    Attributes:
        arena: address of the words' text.
        records: address of the records.
        slots: address of the slots.
        mask: their number - 1.
        most_words: words that there is room for.
        most_text: bytes of their text that there is room for.
    """

    arena: int
    records: int
    slots: int
    mask: int
    most_words: int
    most_text: int


@lean_kernel
def count_words(text: NDArray[np.uint8], size: int, classes: NDArray[np.uint8], table: WordTable) -> int:
    """Count the words of a text, and its pairs of neighbours, from where `at` says.

    Args:
        text: valid UTF-8 and PAD zero bytes behind it.
        size: its bytes.
        classes: of characters.
        table: to count into.

    Returns:
        DONE, or which of the tables is full: then it stopped before a token, and goes on there when called again.
    """
    at = table.at
    view = _view_of(table)
    base = np.int64(text.ctypes.data)
    pairs, most_pairs = np.int64(table.pairs.ctypes.data), len(table.pairs)
    last = np.int64(-1)
    if at[LAST_SIZE] > 0:  # the tables have been emptied since, or have grown
        last = word_number(base + at[LAST_START], at[LAST_SIZE], view, table)
    i, paired, tokens, left_out = at[AT], at[PAIRS], at[TOKENS], at[LEFT_OUT]
    last_start, last_size = at[LAST_START], at[LAST_SIZE]
    full = DONE
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
            left_out += 1
            i = end
            continue
        if at[WORDS] >= view.most_words or at[ARENA] + end - i > view.most_text:
            full = WORDS_FULL
            break
        if paired >= most_pairs:
            full = PAIRS_FULL
            break
        number = word_number(base + i, end - i, view, table)
        record = view.records + _RECORD_BYTES * number
        put_u64(record, COUNT, get_u64(record, COUNT) + _ONE)
        tokens += 1
        if last >= 0:
            put_u64(pairs, paired, np.uint64(last) << _HALF | np.uint64(number))
            paired += 1
        last = number
        last_start, last_size = i, end - i
        i = end
    at[AT], at[PAIRS], at[TOKENS], at[LEFT_OUT] = i, paired, tokens, left_out
    at[LAST_START] = last_start
    at[LAST_SIZE] = last_size if full != DONE and last >= 0 else 0
    return full


@lean_kernel
def place_words(table: WordTable) -> None:
    """Fill the slots of a table whose words stand in `records` already."""
    mask = len(table.slots) - 1
    for number in range(table.at[WORDS]):
        hashed = table.records[number * RECORD + HASH]
        place = np.int64(hashed & _LOW_HALF) & mask
        while table.slots[place] != _NONE:
            place = (place + 1) & mask
        table.slots[place] = (hashed >> _HALF) << _HALF | np.uint64(number + 1)


@lean_kernel
def fold_pairs(pairs: NDArray[np.uint64], counts: NDArray[np.int64]) -> int:
    """Leave of sorted pairs the different ones, at the beginning, and say how often each stood there.

    Args:
        pairs: ascending.
        counts: to be filled, as long.

    Returns:
        Their number.
    """
    distinct = np.int64(0)
    for i in range(len(pairs)):
        if distinct > 0 and pairs[i] == pairs[distinct - 1]:
            counts[distinct - 1] += 1
        else:
            pairs[distinct] = pairs[i]
            counts[distinct] = 1
            distinct += 1
    return distinct


@kernel
def write_pairs(pairs: NDArray[np.uint64], table: WordTable, ends: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Pairs as text, two words with a space between, one after another; some bytes more behind the last.

    Args:
        pairs: some of a table's, different ones.
        table: with their words.
        ends: int32, shape (pairs + 1,), the first is 0; gets where each ends.
    """
    for i in range(len(pairs)):
        first, second = np.int64(pairs[i] >> _HALF), np.int64(pairs[i] & _LOW_HALF)
        length = table.ends[first + 1] - table.ends[first] + 1 + table.ends[second + 1] - table.ends[second]
        ends[i + 1] = ends[i] + length
    text = np.empty(ends[len(pairs)] + PAD, np.uint8)
    arena, target = np.int64(table.arena.ctypes.data), np.int64(text.ctypes.data)
    for i in range(len(pairs)):
        first, second = np.int64(pairs[i] >> _HALF), np.int64(pairs[i] & _LOW_HALF)
        begin, size = np.int64(table.ends[first]), np.int64(table.ends[first + 1] - table.ends[first])
        copy_short(arena + begin, size, target + ends[i])
        text[ends[i] + size] = 32
        begin, end = np.int64(table.ends[second]), np.int64(table.ends[second + 1])
        copy_short(arena + begin, end - begin, target + ends[i] + size + 1)
    return text


@inlined_lean_step
def copy_short(source: int, size: int, target: int) -> None:
    """Copy bytes, by eights: up to seven more are read, and written."""
    for done in range(0, size, 8):
        store_8_bytes(target + done, load_8_bytes(source + done))


@inlined_lean_step
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


@inlined_lean_step
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


@inlined_lean_step
def _view_of(table: WordTable) -> WordView:
    return WordView(
        np.int64(table.arena.ctypes.data),
        np.int64(table.records.ctypes.data),
        np.int64(table.slots.ctypes.data),
        np.int64(len(table.slots) - 1),
        np.int64(len(table.records) // RECORD),
        np.int64(len(table.arena) - PAD),
    )


@inlined_lean_step
def word_number(address: int, size: int, view: WordView, table: WordTable) -> int:
    """The number of a word, for which there is room; a new one gets the next."""
    low, high = word_low(address, size), word_high(address, size)
    hashed = hash_word(address, low, high, size, _NONE)
    place = np.int64(hashed & _LOW_HALF) & view.mask
    slot = get_u64(view.slots, place)
    while slot != _NONE:
        if slot >> _HALF == hashed >> _HALF:
            number = np.int64(slot & _LOW_HALF) - 1
            record = view.records + _RECORD_BYTES * number
            # No word holds a zero byte: up to 15 bytes the two numbers say where it ends
            if (
                get_u64(record, LOW) == low
                and get_u64(record, HIGH) == high
                and (size < INLINE_BYTES or same_text(address, size, number, view, table))
            ):
                return number
        place = (place + 1) & view.mask
        slot = get_u64(view.slots, place)
    number = table.at[WORDS]
    put_u64(view.slots, place, (hashed >> _HALF) << _HALF | np.uint64(number + 1))
    add_word(address, size, view, table)
    record = view.records + _RECORD_BYTES * number
    put_u64(record, LOW, low)
    put_u64(record, HIGH, high)
    put_u64(record, HASH, hashed)
    put_u64(record, COUNT, _NONE)
    return number


@lean_step
def same_text(address: int, size: int, number: int, view: WordView, table: WordTable) -> bool:
    """Whether a word of the table is this one, by all of its bytes."""
    begin = np.int64(table.ends[number])
    return table.ends[number + 1] - begin == size and same_bytes(address, view.arena + begin, size)


@lean_step
def add_word(address: int, size: int, view: WordView, table: WordTable) -> None:
    """Keep the text of a new word; what is copied too far is the arena's padding, or the next word's place."""
    number, begin = table.at[WORDS], table.at[ARENA]
    copy_short(address, size, view.arena + begin)
    table.at[ARENA] = begin + size
    table.ends[number + 1] = begin + size
    table.at[WORDS] = number + 1
