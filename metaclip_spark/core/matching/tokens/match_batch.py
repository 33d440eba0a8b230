"""The entry point from Python: match all rows of a batch, block by block."""

# numba types these functions by what they are called with; for mypy an np.int64 is no int, and intrinsics have no type.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import get_i64, get_u64, mark_mask, put_i64
from metaclip_spark.core.matching.tokens.emit import (
    LANES,
    RowIds,
    collect_words,
    emit_rows,
    sort_hits_by_row,
    sort_unique,
)
from metaclip_spark.core.matching.tokens.scan import SCAN_SLACK, Block, hash_words, scan_words
from metaclip_spark.core.matching.tokens.walk import Walks, look_up_words, walk_phrases
from metaclip_spark.core.word_hashing import (
    LOW_HALF,
    ONE,
    PHRASE_SLOT,
    UPPER_HALF,
    WORD_SLOT,
    Tables,
    TableView,
)
from metaclip_spark.host.kernel_cache import inlined_step, kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_WORDS: Final = 1024
"""Words between two steps: enough for prefetched lines to arrive, few enough for their columns to stay in cache."""

LONG_ROW: Final = 4096
"""Bytes above which a row is matched on its own, window by window, so that scratch does not grow with it."""

_COLUMNS: Final = 15  # of Block, Walks and RowIds


class Captions(NamedTuple):
    """Captions as they lie in Arrow buffers.

    Attributes:
        data: uint8, the captions' bytes.
        tail: uint8, a copy of the bytes from offsets[first_tail_row] on, and 64 zeros: kernels load 64 bytes at once,
            and `data` is too short for that behind its last rows.
        first_tail_row: the first row that is read from `tail`.
        offsets: int64, shape (rows + 1,), not decreasing, within `data`.
        validity: uint8, Arrow's bitmap, or empty if no row is null.
        first_bit: bit of the bitmap that belongs to row 0.
    """

    data: NDArray[np.uint8]
    tail: NDArray[np.uint8]
    first_tail_row: int
    offsets: NDArray[np.int64]
    validity: NDArray[np.uint8]
    first_bit: int


@kernel
def match_rows(captions: Captions, tables: Tables) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Match captions against compiled metadata.

    Returns:
        ids, ascending and distinct within each row; where each row begins, shape (rows + 1,). Null rows have none.
    """
    # Scratch holds a block or a window. A block takes rows while it has fewer than BLOCK_WORDS words, and a row of n
    # bytes has at most 2 n + 1. A window of a long row holds more than twice the longest entry, or it could not go on.
    window = BLOCK_WORDS + 2 * tables.most_words
    capacity = max(window, BLOCK_WORDS + 2 * LONG_ROW + 1) + SCAN_SLACK + LANES
    scratch = np.empty(_COLUMNS * capacity, np.int64)
    return _match_blocks(captions, tables, scratch, capacity, window)


@step
def _match_blocks(
    captions: Captions, tables: Tables, scratch: NDArray[np.int64], capacity: int, window: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The loop over blocks.

    Counters begin as np.int64(0): a plain 0 is a type of its own to numba, for which all that it is passed to would be
    compiled once more. Addresses are taken of arrays that the caller holds, so that they live as long.
    """
    at = np.int64(scratch.ctypes.data)
    to = 8 * capacity
    block = Block(at, at + to, at + 2 * to, at + 3 * to, at + 4 * to, at + 5 * to, at + 6 * to)
    walks = Walks(at + 7 * to, at + 8 * to, at + 9 * to, at + 10 * to)
    row_ids = RowIds(at + 11 * to, at + 12 * to, at + 13 * to, at + 14 * to)
    view = _view(tables)
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
    """Cut rows into words until the block is full or the next row is a long one.

    Returns:
        the row behind the last one taken (`first` if that is a long one); words of the block.
    """
    count = np.int64(0)
    row = first
    rows = len(captions.offsets) - 1
    while row < rows and count < BLOCK_WORDS and row - first < BLOCK_WORDS:
        if not _is_null(captions, row):
            start, end = _bounds(captions, row)
            if end - start > LONG_ROW:
                break
            count, _ = scan_words(start, end, count, limit, row - first, block)
        put_i64(row_ids.last_word, row - first, count)
        row += 1
    return row, count


@inlined_step
def _bounds(captions: Captions, row: int) -> tuple[int, int]:
    """Addresses of a row's first byte and behind its last; 64 more can be read."""
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
    """Ids of one row of any length, ascending and distinct, in scratch that does not depend on the length.

    Windows of words overlap by as many words as the longest entry has: each phrase lies whole in one of them. What is
    found twice is dropped with the other repeats.

    Args:
        start: address of the row.
        end: address behind its last byte; 64 more can be read.
        window: words to take at once, more than twice those of the longest entry.
        block: scratch for window + SCAN_SLACK words.
        walks: scratch for as many.
        tables: compiled metadata.
    """
    ids = np.empty(4 * window, np.int32)
    hits = np.empty(window, np.uint64)
    collected = np.int64(0)
    nothing = np.int64(0)
    crowded = 2 * window  # when to drop repeats; grows with the distinct ids, so that all the sorting stays n log n
    while True:
        count, done = scan_words(start, end, nothing, window, nothing, block)
        # The next window may not begin at a mark: the scan would find an empty word before it. The word before a mark
        # is none itself, since marks are always two words apart.
        resume = count - tables.most_words
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
        if done or collected > crowded:
            collected = sort_unique(ids, collected, np.empty(len(ids), np.int32))
            crowded = 2 * (collected + window)
        if done:
            return ids[:collected]
        start = get_i64(block.start, resume)


@step
def _room_for_ids(ids: NDArray[np.int32], used: int, more: int) -> NDArray[np.int32]:
    """The same ids with room for `more` and LANES behind them, moved to a larger array if need be."""
    if used + more + LANES <= len(ids):
        return ids
    larger = np.empty(2 * (used + more) + LANES, np.int32)
    for i in range(used):
        larger[i] = ids[i]
    return larger


@step
def _view(tables: Tables) -> TableView:
    return TableView(
        np.int64(tables.words.ctypes.data),
        np.int64(len(tables.words) // WORD_SLOT),
        np.int64(tables.word_pilots.ctypes.data),
        np.int64(len(tables.word_pilots)),
        np.int64(tables.phrases.ctypes.data),
        np.int64(len(tables.phrases) // PHRASE_SLOT),
        np.int64(tables.phrase_pilots.ctypes.data),
        np.int64(len(tables.phrase_pilots)),
        np.int64(tables.text.ctypes.data),
        tables.seed,
        tables.longest_word,
        tables.most_words,
    )
