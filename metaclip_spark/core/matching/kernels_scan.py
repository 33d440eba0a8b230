"""Step 1 of matching: cut captions into words, as spacing would, and find each word's slot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaclip_spark.core.jit import inlined_step, step
from metaclip_spark.core.matching.intrinsics import mark_mask, prefetch, space_mask, trailing_zeros
from metaclip_spark.core.matching.kernels_hash import (
    INLINE_BYTES,
    ONE,
    WORD_SLOT,
    fold_rest,
    hash_word,
    word_high,
    word_low,
)
from metaclip_spark.core.matching.tables import Tables

CHUNK: int = 64
"""Bytes looked at together; a chunk ends at most 64 words and holds at most 64 marks, so it adds at most 128 words."""

_SLOT_BYTES: int = 8 * WORD_SLOT


class Block(NamedTuple):
    """The words of a block of rows, one array per property so that each step touches only what it needs.

    Attributes:
        low: uint64, first half of the key.
        high: uint64, second half of the key.
        start: int64, address of the first byte.
        length: int64, bytes.
        slot: int64, where the search in the word table begins; after the look-up where the word is, or -1.
        row: int64, which row of the block it belongs to.
        payload: uint64, after the look-up; 0 for a word that is in no entry.
    """

    low: NDArray[np.uint64]
    high: NDArray[np.uint64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    slot: NDArray[np.int64]
    row: NDArray[np.int64]
    payload: NDArray[np.uint64]


@step
def new_block(words: int) -> Block:
    """Scratch for that many words."""
    return Block(
        np.empty(words, np.uint64),
        np.empty(words, np.uint64),
        np.empty(words, np.int64),
        np.empty(words, np.int64),
        np.empty(words, np.int64),
        np.empty(words, np.int64),
        np.empty(words, np.uint64),
    )


@inlined_step
def _add_word(block: Block, count: int, start: int, length: int, row: int, tables: Tables) -> None:
    low = word_low(start, length)
    high = word_high(start, length)
    hashed = high
    if INLINE_BYTES < length <= tables.longest_word:  # longer than any word of the table: no need to hash it
        hashed ^= fold_rest(start, length)
    slot = np.int64(hash_word(low, hashed, length, tables.seed)) & (len(tables.words) // WORD_SLOT - 1)
    prefetch(np.int64(tables.words.ctypes.data) + slot * _SLOT_BYTES)
    block.low[count] = low
    block.high[count] = high
    block.start[count] = start
    block.length[count] = length
    block.slot[count] = slot
    block.row[count] = row


@step
def scan_words(
    start: int, end: int, count: int, limit: int, row: int, block: Block, tables: Tables
) -> tuple[int, bool]:
    """Append the words of text to a block: spacing and splitting in one pass, without writing the spaced text.

    A delimiter ends a word, which may be empty; a mark is then a word of its own, and the next word begins behind it:
    "a, b" gives "a" "," "" "b", just as its spaced form "a ,  b" does when split at single spaces.

    Bounds: reads at most 64 bytes from `end` on (a chunk begins at or before `end`, a word's key lies within 16 bytes of
    its start, which is at most `end`). Writes less than `limit + 2 * CHUNK` words, since a chunk adds at most 128 and
    none begins once there are `limit`; the final word is written by the chunk that holds the end, whose other
    delimiters are at most 63.

    Args:
        start: address at which a word begins.
        end: address behind the text's last byte.
        count: words that the block holds already.
        limit: stop before a chunk when there are that many.
        row: of the block, recorded with each word.
        block: appended to.
        tables: compiled metadata.

    Returns:
        number of words in the block; whether the text was read to its end.
    """
    word = start
    chunk = start
    while count < limit:
        marks = mark_mask(chunk)
        ends = space_mask(chunk) | marks
        left = end - chunk
        if left < CHUNK:  # the row's end is a delimiter too, and what lies behind it is not ours
            row_end = ONE << np.uint64(left)
            ends = (ends & (row_end - ONE)) | row_end
            marks &= row_end - ONE
        while ends != 0:
            at = trailing_zeros(ends)
            position = chunk + at
            _add_word(block, count, word, position - word, row, tables)
            count += 1
            word = position + 1
            if (marks >> np.uint64(at)) & ONE:
                _add_word(block, count, position, 1, row, tables)
                count += 1
            ends &= ends - ONE
        if left < CHUNK:
            return count, True
        chunk += CHUNK
    return count, False
