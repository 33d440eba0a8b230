"""Steps 1 and 2 of matching: split captions into words, as spacing would, and hash each word."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import (
    get_i64,
    get_u16,
    mark_mask,
    prefetch,
    put_i32,
    put_i64,
    put_u64,
    space_mask,
    trailing_zeros,
)
from metaclip_spark.core.matching.tokens.tables import WORD_SLOT, TableView, bucket_of, slot_of
from metaclip_spark.core.word_hashing import INLINE_BYTES, ONE, fold_rest, hash_key, word_high, word_low
from metaclip_spark.host.kernel_cache import inlined_step, step

CHUNK: Final = 64
"""Bytes that are examined together."""

SCAN_SLACK: Final = 2 * CHUNK + 2
"""Room that a block needs beyond the limit of `scan_words`: a chunk adds at most 128 words and writes one more that is
not kept. The last place is for the sentinel that `look_up_words` writes after a block."""

_SLOT_BYTES: Final = 8 * WORD_SLOT


class Block(NamedTuple):
    """The words of a block of rows, as the addresses of one column per property.

    Attributes:
        start: Address of the word's first byte, int64.
        length: Length of the word in bytes, int64.
        row: Row of the block to which the word belongs, int32.
        low: First half of the word's key, uint64.
        high: Second half of the word's key, uint64.
        slot: Only slot of the word table that can contain the word, int32. After the look-up: the word's slot, or -1.
        payload: Payload of the word after the look-up, uint64; 0 for a word that occurs in no entry.
    """

    start: int
    length: int
    row: int
    low: int
    high: int
    slot: int
    payload: int


@inlined_step
def _put_word(block: Block, at: int, start: int, length: int, row: int) -> None:
    put_i64(block.start, at, start)
    put_i64(block.length, at, length)
    put_i32(block.row, at, np.int32(row))


@step
def scan_words(start: int, end: int, count: int, limit: int, row: int, block: Block) -> tuple[int, bool]:
    """Append the words of a text to a block. Spacing and splitting are one pass; the spaced text is never written.

    A delimiter ends a word, which may be empty. If the delimiter is a punctuation mark, it is also a word of its own,
    and the next word starts after it. "a, b" gives "a" "," "" "b", which is what its spaced form "a ,  b" gives when
    split at single spaces.

    Bounds: a chunk starts at or before `end`, so that at most 64 bytes from `end` on are read. No chunk is started once
    the block has `limit` words, and a chunk ends at most 64 words, each of which may be followed by a mark. So at most
    limit + SCAN_SLACK - 1 places are written.

    Args:
        start: Address at which a word starts.
        end: Address after the last byte of the text.
        count: Number of words that the block already contains.
        limit: Number of words from which on no further chunk is started.
        row: Row of the block, recorded with each word.
        block: Columns to append to.

    Returns:
        Number of words in the block, and whether the text was read to its end.
    """
    word = start
    chunk = start
    while count < limit:
        marks = mark_mask(chunk)
        ends = space_mask(chunk) | marks
        left = end - chunk
        if left < CHUNK:  # The end of the text is a delimiter too. The bits after it belong to other text.
            text_end = ONE << np.uint64(left)
            ends = (ends & (text_end - ONE)) | text_end
            marks &= text_end - ONE
        while ends != 0:
            at = trailing_zeros(ends)
            position = chunk + at
            _put_word(block, count, word, position - word, row)
            # The delimiter is always written as a word, but kept only if it is a mark: a branch on it would often be
            # mispredicted.
            _put_word(block, count + 1, position, np.int64(1), row)
            count += 1 + np.int64((marks >> np.uint64(at)) & ONE)
            word = position + 1
            ends &= ends - ONE  # clears the lowest set bit
        if left < CHUNK:
            return count, True
        chunk += CHUNK
    return count, False


@step
def hash_words(block: Block, count: int, tables: TableView) -> None:
    """Compute the key and the slot of each word of a block, and start to load the slots into the cache.

    This loop contains no branch that depends on short words, so that the processor works on several words at once.

    Bounds: a key is read from the first 16 bytes from the start of a word, which is at most the end of the row. A slot
    is below the capacity of the table, whatever the hash.
    """
    for i in range(count):
        start = get_i64(block.start, i)
        length = get_i64(block.length, i)
        low = word_low(start, length)
        high = word_high(start, length)
        rest = high
        # A word longer than any in the table cannot match: its length differs from that of every slot.
        if INLINE_BYTES < length <= tables.max_word_bytes:
            rest ^= fold_rest(start, length)
        hashed = hash_key(low, rest, length, tables.seed)
        pilot = get_u16(tables.word_pilots, bucket_of(hashed, tables.word_buckets))
        slot = slot_of(hashed, pilot, tables.word_capacity)
        prefetch(tables.words + slot * _SLOT_BYTES)
        put_u64(block.low, i, low)
        put_u64(block.high, i, high)
        put_i32(block.slot, i, np.int32(slot))
