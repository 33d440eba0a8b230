"""Kernel that counts the words of a text, and records its pairs of neighbours."""

# numba infers types at the call. mypy rejects np.uint64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, no-any-return, assignment, return-value, call-arg"
# ruff: noqa: PLR2004 - bytes of UTF-8

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.intrinsics import put_u64
from metaclip_spark.core.ngrams.word_table import (
    LAST_SIZE,
    LAST_START,
    LEFT_OUT,
    PAIRS,
    POSITION,
    TEXT_BYTES,
    TOKENS,
    WORDS,
    count_word,
    number_of_word,
    view_of,
)
from metaclip_spark.core.word_hashing import UPPER_HALF
from metaclip_spark.core.words import BAD, BLANK, LETTER, MARK, MAX_ENTRY_CHARACTERS, ODD
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.ngrams.word_table import WordTable

DONE, WORDS_FULL, PAIRS_FULL = 0, 1, 2


@lean_kernel
def count_words(text: NDArray[np.uint8], size: int, classes: NDArray[np.uint8], table: WordTable) -> int:
    """Count the words of a text and record its pairs of neighbours, from the position in `table.state` on.

    Pairs are only appended, and counted later by a sort: a hash table of pairs would miss the cache at nearly each
    token, whereas sorting some millions of numbers does not.

    Args:
        text: Valid UTF-8, followed by `PAD` zero bytes.
        size: Number of bytes without the padding.
        classes: Class of each character.
        table: Table that receives the counts.

    Returns:
        DONE; or WORDS_FULL or PAIRS_FULL if the table was full. Then counting stopped before a token, and continues
        there at the next call.
    """
    state = table.state
    view = view_of(table)
    base = np.int64(text.ctypes.data)
    pairs, max_pairs = np.int64(table.pairs.ctypes.data), len(table.pairs)
    last = np.int64(-1)
    if state[LAST_SIZE] > 0:  # the last word may have another number, because the table was emptied or has grown
        last = number_of_word(base + state[LAST_START], state[LAST_SIZE], view, table)
    i, paired, tokens, left_out = state[POSITION], state[PAIRS], state[TOKENS], state[LEFT_OUT]
    last_start, last_size = state[LAST_START], state[LAST_SIZE]
    full = DONE
    while i < size:
        kind, width = _character(text, i, classes)
        if kind <= MARK:
            if kind != BLANK:
                last = np.int64(-1)
            i += width
            continue
        end, is_word = _token_end(text, i, size, classes)
        if not is_word:
            last = np.int64(-1)
            left_out += 1
            i = end
            continue
        if state[WORDS] >= view.max_words or state[TEXT_BYTES] + end - i > view.max_text_bytes:
            full = WORDS_FULL
            break
        if paired >= max_pairs:
            full = PAIRS_FULL
            break
        number = number_of_word(base + i, end - i, view, table)
        count_word(number, view)
        tokens += 1
        if last >= 0:
            put_u64(pairs, paired, np.uint64(last) << UPPER_HALF | np.uint64(number))
            paired += 1
        last = number
        last_start, last_size = i, end - i
        i = end
    state[POSITION], state[PAIRS], state[TOKENS], state[LEFT_OUT] = i, paired, tokens, left_out
    state[LAST_START] = last_start
    state[LAST_SIZE] = last_size if full != DONE and last >= 0 else 0
    return full


@inlined_lean_step
def _character(text: NDArray[np.uint8], i: int, classes: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the class and the number of bytes of the character at position i."""
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
def _token_end(text: NDArray[np.uint8], start: int, size: int, classes: NDArray[np.uint8]) -> tuple[int, bool]:
    """Return the end of the token that starts here, and whether it is a word."""
    i = start
    first, width = _character(text, i, classes)
    last = first
    seen = 0
    length = 0
    while True:
        seen |= 1 << last
        length += 1
        i += width
        if i >= size:
            break
        kind, width = _character(text, i, classes)
        if kind <= MARK:
            break
        last = kind
    contains_letter = seen & (1 << LETTER | 1 << BAD) == 1 << LETTER
    return i, contains_letter and ODD not in (first, last) and length <= MAX_ENTRY_CHARACTERS
