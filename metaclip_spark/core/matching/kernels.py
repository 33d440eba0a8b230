"""The entry point from Python: match all rows of a batch, block by block."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from metaclip_spark.core.jit import kernel, step
from metaclip_spark.core.matching.intrinsics import mark_mask
from metaclip_spark.core.matching.kernels_emit import (
    LANES,
    emit_row,
    gather_ids,
    room_for_ids,
    sort_hits_by_row,
    sort_unique,
)
from metaclip_spark.core.matching.kernels_hash import ONE
from metaclip_spark.core.matching.kernels_scan import CHUNK, Block, new_block, scan_words
from metaclip_spark.core.matching.kernels_walk import Hits, Walks, look_up_words, new_hits, new_walks, walk_phrases
from metaclip_spark.core.matching.tables import Tables

BLOCK_WORDS: Final = 1024
"""Words between two looks at the tables: enough for prefetched lines to arrive, few enough for scratch to stay in cache."""

LONG_ROW: Final = 4096
"""Bytes from which a row is matched on its own, window by window, so that scratch does not grow with it."""


@kernel
def match_rows(
    data: NDArray[np.uint8],
    tail: NDArray[np.uint8],
    first_tail_row: int,
    offsets: NDArray[np.int64],
    validity: NDArray[np.uint8],
    first_bit: int,
    tables: Tables,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Match captions that lie in Arrow buffers.

    Bounds: row r is read from its start to 64 bytes behind its end (`scan_words`). The caller puts into `tail` a padded
    copy of the rows for which `data` is too short.

    Args:
        data: the captions' bytes.
        tail: the bytes from offsets[first_tail_row] on, and 64 zeros.
        first_tail_row: the first row that is read from `tail`.
        offsets: shape (rows + 1,), not decreasing, within `data`.
        validity: Arrow's bitmap, or empty if no row is null.
        first_bit: bit of the bitmap that belongs to row 0.
        tables: compiled metadata.

    Returns:
        ids, ascending and distinct within each row, and where each row begins, shape (rows + 1,); null rows have none.
    """
    rows = len(offsets) - 1
    # A block takes rows while it has fewer than BLOCK_WORDS words, and a row of n bytes has at most 2 n + 1. A window of
    # a long row must hold more than the longest entry, or it could not go on.
    limit = BLOCK_WORDS + 2 * tables.most_words
    capacity = max(limit, BLOCK_WORDS + 2 * LONG_ROW + 1) + 2 * CHUNK
    block = new_block(capacity)
    walks = new_walks(capacity)
    hits = new_hits(capacity)
    hit_ids = np.empty(len(hits.entry), np.int32)
    hit_end = np.empty(BLOCK_WORDS + 2, np.int64)
    row_words = np.empty(BLOCK_WORDS + 1, np.int64)
    gathered = np.empty(2 * capacity + LANES, np.int32)
    spare = np.empty(len(gathered), np.int32)
    ids = np.empty((offsets[rows] - offsets[0]) // 8 + capacity, np.int32)
    row_offsets = np.empty(rows + 1, np.int64)
    row_offsets[0] = 0
    body = np.int64(data.ctypes.data)
    end_piece = np.int64(tail.ctypes.data) - offsets[first_tail_row]
    total = np.int64(0)
    row = 0
    while row < rows:
        first = row
        count = 0
        row_words[0] = 0
        while row < rows and count < BLOCK_WORDS and row - first < BLOCK_WORDS:
            bytes_in_row = offsets[row + 1] - offsets[row]
            if _is_null(validity, first_bit + row):
                bytes_in_row = -1
            elif bytes_in_row > LONG_ROW:
                break
            if bytes_in_row >= 0:
                start = (body if row < first_tail_row else end_piece) + offsets[row]
                count, _ = scan_words(start, start + bytes_in_row, count, capacity, row - first, block, tables)
            row += 1
            row_words[row - first] = count
        if row == first:  # a long row
            start = (body if row < first_tail_row else end_piece) + offsets[row]
            long_ids = _match_long_row(start, start + offsets[row + 1] - offsets[row], limit, block, walks, tables)
            ids = room_for_ids(ids, total, len(long_ids))
            ids[total : total + len(long_ids)] = long_ids
            total += len(long_ids)
            row += 1
            row_offsets[row] = total
            continue
        look_up_words(block, count, tables)
        hits, found = walk_phrases(block, count, tables, walks, hits)
        if len(hit_ids) < found:
            hit_ids = np.empty(len(hits.entry), np.int32)
        sort_hits_by_row(hits, found, row - first, hit_ids, hit_end)
        if len(gathered) < count + found + LANES:
            gathered = np.empty(2 * (count + found) + LANES, np.int32)
            spare = np.empty(len(gathered), np.int32)
        ids = room_for_ids(ids, total, count + found)
        first_hit = np.int64(0)
        for i in range(row - first):
            n = gather_ids(block, row_words[i], row_words[i + 1], hit_ids, first_hit, hit_end[i], gathered, 0)
            first_hit = hit_end[i]
            total = emit_row(gathered, n, spare, ids, total)
            row_offsets[first + i + 1] = total
    return ids[:total], row_offsets


@step
def _is_null(validity: NDArray[np.uint8], bit: int) -> bool:
    return len(validity) > 0 and (validity[bit >> 3] >> (bit & 7)) & 1 == 0


@step
def _match_long_row(start: int, end: int, limit: int, block: Block, walks: Walks, tables: Tables) -> NDArray[np.int32]:
    """Ids of one row of any length, ascending and distinct, in scratch that does not depend on the length.

    Windows of words overlap by as many words as the longest entry has, less one: each phrase lies whole in one of
    them. What is found twice is dropped with the other repeats.

    Args:
        start: address of the row.
        end: address behind its last byte; 64 more can be read.
        limit: words of a window, at least twice those of the longest entry.
        block: scratch for limit + 2 * CHUNK words.
        walks: scratch for as many.
        tables: compiled metadata.
    """
    ids = np.empty(4 * limit + LANES, np.int32)
    hits = new_hits(limit)
    count = np.int64(0)
    crowded = 2 * limit  # when to drop repeats: doubled with the distinct ids, so that sorting stays n log n in all
    while True:
        words, done = scan_words(start, end, 0, limit, 0, block, tables)
        # The next window may not begin at a mark: the scan would find an empty word before it. The word before a mark is
        # none itself, since marks are always two words apart.
        resume = words - tables.most_words
        if not done and _is_mark(block, resume):
            resume -= 1
        look_up_words(block, words, tables)
        hits, found = walk_phrases(block, words, tables, walks, hits)
        ids = room_for_ids(ids, count, words + found)
        count = gather_ids(block, 0, words, hits.entry, 0, found, ids, count)
        if done or count > crowded:
            count = sort_unique(ids, count, np.empty(len(ids), np.int32))
            crowded = 2 * (count + limit)
        if done:
            return ids[:count]
        start = block.start[resume]


@step
def _is_mark(block: Block, word: int) -> bool:
    """Whether a word is one of the seven marks; reads 64 bytes at its start, as the scan did."""
    return block.length[word] == 1 and mark_mask(block.start[word]) & ONE != 0
