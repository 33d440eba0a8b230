"""Step 1 of matching: cut captions into words, as spacing would, and hash each word."""

# numba types these functions by what they are called with; for mypy an np.int64 is no int, and intrinsics have no type.
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
from metaclip_spark.core.word_hashing import (
    INLINE_BYTES,
    ONE,
    WORD_SLOT,
    TableView,
    bucket_of,
    fold_rest,
    hash_word,
    slot_of,
    word_high,
    word_low,
)
from metaclip_spark.host.kernel_cache import inlined_step, step

CHUNK: Final = 64
"""Bytes looked at together."""

SCAN_SLACK: Final = 2 * CHUNK + 2
"""Words that `scan_words` may write beyond its limit: a chunk adds at most 128 and writes one more that is not kept.
The last is for the sentinel that `look_up_words` puts behind a block."""

_SLOT_BYTES: Final = 8 * WORD_SLOT


class Block(NamedTuple):
    """The words of a block of rows: the address of one column per property.

    Attributes:
        start: int64, address of the first byte.
        length: int64, bytes.
        row: int32, which row of the block it belongs to.
        low: uint64, first half of the key.
        high: uint64, second half of the key.
        slot: int32, where the word table would hold it; after the look-up where it does, or -1.
        payload: uint64, after the look-up; 0 for a word that is in no entry.
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
    """Append the words of a text to a block: spacing and splitting in one pass, the spaced text is never written.

    A delimiter ends a word, which may be empty; a mark is then a word of its own, and the next word begins behind it:
    "a, b" gives "a" "," "" "b", just as its spaced form "a ,  b" does when split at single spaces.

    Bounds: a chunk begins at or before `end`, so at most 64 bytes from `end` on are read. No chunk is begun once there
    are `limit` words and a chunk ends at most 64 words, each perhaps with a mark: at most limit + SCAN_SLACK - 1 places
    are written.

    Args:
        start: address at which a word begins.
        end: address behind the text's last byte.
        count: words that the block holds already.
        limit: begin no chunk when there are that many.
        row: of the block, recorded with each word.
        block: appended to.

    Returns:
        number of words in the block; whether the text was read to its end.
    """
    word = start
    chunk = start
    while count < limit:
        marks = mark_mask(chunk)
        ends = space_mask(chunk) | marks
        left = end - chunk
        if left < CHUNK:  # the text's end is a delimiter too, and what lies behind it is not ours
            text_end = ONE << np.uint64(left)
            ends = (ends & (text_end - ONE)) | text_end
            marks &= text_end - ONE
        while ends != 0:
            at = trailing_zeros(ends)
            position = chunk + at
            _put_word(block, count, word, position - word, row)
            # The delimiter as a word: written always, kept only if it is a mark; a branch would often be mispredicted
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
    """Key and slot of each word of a block; the slots begin to load.

    A loop of its own, without a branch that depends on the text: the processor works on several words at once.

    Bounds: keys are read within 16 bytes of a word's start, which is at most the row's end. A slot is below the table's
    capacity whatever the hash.
    """
    for i in range(count):
        start = get_i64(block.start, i)
        length = get_i64(block.length, i)
        low = word_low(start, length)
        high = word_high(start, length)
        mixed = high
        if INLINE_BYTES < length <= tables.longest_word:  # longer than any word of the table: it is in no slot anyhow
            mixed ^= fold_rest(start, length)
        hashed = hash_word(low, mixed, length, tables.seed)
        pilot = get_u16(tables.word_pilots, bucket_of(hashed, tables.word_buckets))
        slot = slot_of(hashed, pilot, tables.word_capacity)
        prefetch(tables.words + slot * _SLOT_BYTES)
        put_u64(block.low, i, low)
        put_u64(block.high, i, high)
        put_i32(block.slot, i, np.int32(slot))
