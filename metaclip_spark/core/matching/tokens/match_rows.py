"""Entry point of this engine: match all rows of a batch of captions, block by block."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.intrinsics import get_i64, get_u64, mark_mask, put_i64
from metaclip_spark.core.matching.tokens.look_up import Walks, look_up_words, walk_phrases
from metaclip_spark.core.matching.tokens.sort_ids import (
    LANES,
    RowIds,
    collect_words,
    emit_rows,
    sort_hits_by_row,
    sort_unique,
)
from metaclip_spark.core.matching.tokens.split_words import SCAN_SLACK, Block, hash_words, scan_words
from metaclip_spark.core.matching.tokens.tables import view_of
from metaclip_spark.core.word_hashing import LOW_HALF, ONE, UPPER_HALF
from metaclip_spark.host.kernel_cache import inlined_step, kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.captions import Captions
    from metaclip_spark.core.matching.tokens.tables import Tables, TableView

BLOCK_WORDS: Final = 1024
"""Words of a block: enough for prefetched lines to arrive before the next step, few enough for the columns to stay in
the cache."""

LONG_ROW_BYTES: Final = 4096
"""Length above which a row is matched separately, window by window, so that the scratch does not grow with the row."""

_COLUMNS: Final = 15  # columns of Block, Walks and RowIds together


@kernel
def match_rows(captions: Captions, tables: Tables) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Match captions against compiled metadata.

    Args:
        captions: Captions to match.
        tables: Tables of the metadata.

    Returns:
        Entry ids, ascending and distinct within each row; and the start of each row in them, shape (rows + 1,). Null
        rows have no ids.
    """
    # The scratch contains a block or a window. A block takes rows while it has fewer than BLOCK_WORDS words, and a row
    # of n bytes has at most 2 n + 1 words. A window of a long row contains more than twice the words of any entry;
    # otherwise the next window, which overlaps it, would not advance.
    window = BLOCK_WORDS + 2 * tables.max_entry_words
    capacity = max(window, BLOCK_WORDS + 2 * LONG_ROW_BYTES + 1) + SCAN_SLACK + LANES
    scratch = np.empty(_COLUMNS * capacity, np.int64)
    return _match_blocks(captions, tables, scratch, capacity, window)


@step
def _match_blocks(
    captions: Captions, tables: Tables, scratch: NDArray[np.int64], capacity: int, window: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Match block after block.

    Counters start as np.int64(0). numba gives a plain 0 a type of its own, for which every function that receives it
    would be compiled a second time. Addresses are taken from arrays that the caller keeps alive.
    """
    at = np.int64(scratch.ctypes.data)
    to = 8 * capacity
    block = Block(at, at + to, at + 2 * to, at + 3 * to, at + 4 * to, at + 5 * to, at + 6 * to)
    walks = Walks(at + 7 * to, at + 8 * to, at + 9 * to, at + 10 * to)
    row_ids = RowIds(at + 11 * to, at + 12 * to, at + 13 * to, at + 14 * to)
    view = view_of(tables)
    rows = len(captions.offsets) - 1
    row_offsets = np.zeros(rows + 1, np.int64)
    ids = np.empty((captions.offsets[rows] - captions.offsets[0]) // 8 + capacity, np.int32)
    hits = np.empty(capacity, np.uint64)
    hit_ids = np.empty(2 * capacity + 2 * LANES, np.int32)
    gathered = np.empty(len(hit_ids), np.int32)
    spare = np.empty(len(hit_ids), np.int32)
    total = np.int64(0)
    first = np.int64(0)
    while first < rows:
        row, count = _scan_block(captions, first, capacity - SCAN_SLACK - LANES, block, row_ids)
        if row == first:  # the next row is a long one
            start, end = _bounds(captions, first)
            long_ids = _match_long_row(start, end, window, block, walks, view)
            ids = _room_for_ids(ids, total, len(long_ids))
            for i in range(len(long_ids)):
                ids[total + i] = long_ids[i]
            total += len(long_ids)
            first += 1
            row_offsets[first] = total
            continue
        hash_words(block, count, view)
        look_up_words(block, count, view)
        hits, found = walk_phrases(block, count, view, walks, hits)
        if len(hit_ids) < count + found + 2 * LANES:
            hit_ids = np.empty(2 * (count + found) + 2 * LANES, np.int32)
            gathered = np.empty(len(hit_ids), np.int32)
            spare = np.empty(len(hit_ids), np.int32)
        collect_words(block, count, row_ids)
        sort_hits_by_row(hits, found, row - first, row_ids, hit_ids)
        ids = _room_for_ids(ids, total, count + found)
        row_ends = row_offsets[first + 1 : row + 1]
        total = emit_rows(row - first, row_ids, hit_ids, gathered, spare, ids, total, row_ends)
        first = row
    return ids[:total], row_offsets


@step
def _scan_block(captions: Captions, first: int, limit: int, block: Block, row_ids: RowIds) -> tuple[int, int]:
    """Split rows into words until the block is full or the next row is a long one.

    Returns:
        The row after the last one taken, which is `first` if that is a long one; and the number of words.
    """
    count = np.int64(0)
    row = first
    rows = len(captions.offsets) - 1
    while row < rows and count < BLOCK_WORDS and row - first < BLOCK_WORDS:
        if not _is_null(captions, row):
            start, end = _bounds(captions, row)
            if end - start > LONG_ROW_BYTES:
                break
            count, _ = scan_words(start, end, count, limit, row - first, block)
        put_i64(row_ids.last_word, row - first, count)
        row += 1
    return row, count


@inlined_step
def _bounds(captions: Captions, row: int) -> tuple[int, int]:
    """Return the addresses of a row's first byte and of the byte after its last; 64 more bytes are readable."""
    if row < captions.first_tail_row:
        base = np.int64(captions.data.ctypes.data)
    else:
        base = np.int64(captions.tail.ctypes.data) - captions.offsets[captions.first_tail_row]
    return base + captions.offsets[row], base + captions.offsets[row + 1]


@inlined_step
def _is_null(captions: Captions, row: int) -> bool:
    if len(captions.validity) == 0:
        return False
    bit = captions.first_bit + row
    return (captions.validity[bit >> 3] >> (bit & 7)) & 1 == 0


@step
def _match_long_row(
    start: int, end: int, window: int, block: Block, walks: Walks, tables: TableView
) -> NDArray[np.int32]:
    """Match one row of any length in scratch whose size does not depend on the length.

    Consecutive windows overlap by as many words as the longest entry has, so that each match lies completely in one
    window. A match found in two windows is removed with the other repeats.

    Args:
        start: Address of the row.
        end: Address after its last byte; 64 more bytes are readable.
        window: Number of words to match at once, more than twice the words of the longest entry.
        block: Scratch for window + SCAN_SLACK words.
        walks: Scratch for as many walks.
        tables: Addresses of the tables.

    Returns:
        Entry ids, ascending and distinct.
    """
    ids = np.empty(4 * window, np.int32)
    hits = np.empty(window, np.uint64)
    collected = np.int64(0)
    zero = np.int64(0)
    compact_above = 2 * window  # grows with the number of distinct ids, so that all sorting together takes n log n
    while True:
        count, done = scan_words(start, end, zero, window, zero, block)
        # The next window must not start at a mark: the scan would find an empty word before it. The word before a mark
        # is not a mark, because there is always a word between two marks, even if it is empty.
        resume = count - tables.max_entry_words
        if not done and get_i64(block.length, resume) == 1 and mark_mask(get_i64(block.start, resume)) & ONE != 0:
            resume -= 1
        hash_words(block, count, tables)
        look_up_words(block, count, tables)
        hits, found = walk_phrases(block, count, tables, walks, hits)
        ids = _room_for_ids(ids, collected, count + found)
        for i in range(count):
            entry = get_u64(block.payload, i) >> UPPER_HALF
            ids[collected] = np.int32(entry - ONE)
            collected += np.int64(entry != 0)
        for i in range(found):
            ids[collected] = np.int32(hits[i] & LOW_HALF)
            collected += 1
        if done or collected > compact_above:
            collected = sort_unique(ids, collected, np.empty(len(ids), np.int32))
            compact_above = 2 * (collected + window)
        if done:
            return ids[:collected]
        start = get_i64(block.start, resume)


@step
def _room_for_ids(ids: NDArray[np.int32], used: int, more: int) -> NDArray[np.int32]:
    """Return the ids with room for `more` and LANES after them, copied to a larger array if necessary."""
    if used + more + LANES <= len(ids):
        return ids
    larger = np.empty(2 * (used + more) + LANES, np.int32)
    for i in range(used):
        larger[i] = ids[i]
    return larger
