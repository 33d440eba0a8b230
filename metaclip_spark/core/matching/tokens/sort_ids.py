"""Step 5 of matching: collect the entry ids of each row, sort them and remove repeats."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import (
    get_i32,
    get_i64,
    get_u64,
    put_i32,
    put_i64,
    sort_16_unique,
)
from metaclip_spark.core.word_hashing import LOW_HALF, ONE, UPPER_HALF
from metaclip_spark.host.kernel_cache import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.tokens.split_words import Block

LANES: Final = 16
"""Number of ids that the sorting network takes. Its arrays have room for as many again at the end."""


class RowIds(NamedTuple):
    """Entry ids of a block in the order of its rows, as the addresses of one column per property.

    Attributes:
        words: Ids of matching entries of one word, int32, and LANES more places.
        before: Number of these ids before each word of the block, and after the last word; int32.
        last_word: Number of words of the block before the end of each row, int64.
        last_hit: Number of hits before the end of each row, int64; one more than there are rows.
    """

    words: int
    before: int
    last_word: int
    last_hit: int


@step
def collect_words(block: Block, count: int, rows: RowIds) -> None:
    """Collect the ids of matching entries of one word.

    One loop over all words of the block: with a loop per row, the end of each row would be a mispredicted branch.
    """
    found = 0
    for i in range(count):
        # The id is always written, but kept only if an entry consists of this word alone: a branch on it would be
        # mispredicted at every third word.
        entry = get_u64(block.payload, i) >> UPPER_HALF
        put_i32(rows.before, i, np.int32(found))
        put_i32(rows.words, found, np.int32(entry - ONE))
        found += np.int64(entry != 0)
    put_i32(rows.before, count, np.int32(found))


@step
def sort_hits_by_row(
    hits: NDArray[np.uint64], found: int, row_count: int, rows: RowIds, ids: NDArray[np.int32]
) -> None:
    """Group the hits by row with a counting sort, which is linear in hits and rows.

    Args:
        hits: Hits, each as row of the block << 32 | entry id.
        found: Number of hits.
        row_count: Number of rows of the block; the row of each hit is below it.
        rows: Columns of which `last_hit` is written.
        ids: Result, written from place LANES on, with room for LANES + found.
    """
    hit = np.int64(hits.ctypes.data)
    ordered = np.int64(ids.ctypes.data) + 4 * LANES
    end = rows.last_hit
    for row in range(row_count + 1):
        put_i64(end, row, 0)
    for i in range(found):
        row = np.int64(get_u64(hit, i) >> UPPER_HALF)
        put_i64(end, row + 1, get_i64(end, row + 1) + 1)
    for row in range(row_count):
        put_i64(end, row + 1, get_i64(end, row) + get_i64(end, row + 1))
    for i in range(found):  # end[row] is the start of the row; placing its hits advances it to the end of the row
        row = np.int64(get_u64(hit, i) >> UPPER_HALF)
        at = get_i64(end, row)
        put_i32(ordered, at, np.int32(get_u64(hit, i) & LOW_HALF))
        put_i64(end, row, at + 1)


@step
def emit_rows(
    row_count: int,
    rows: RowIds,
    hit_ids: NDArray[np.int32],
    gathered: NDArray[np.int32],
    spare: NDArray[np.int32],
    ids: NDArray[np.int32],
    total: int,
    row_ends: NDArray[np.int64],
) -> int:
    """Write the ids of each row of a block, ascending and without repeats.

    Bounds: the caller has made room after `total` for all ids of the block, repeats included. The network reads at most
    LANES places before the first id of `hit_ids` and after its last.

    Args:
        row_count: Number of rows of the block.
        rows: Ids of entries of one word, and the end of each row.
        hit_ids: LANES places, the ids of longer entries by row, LANES places.
        gathered: Scratch for all ids of the block and LANES more.
        spare: Scratch of the same size.
        ids: Result.
        total: Number of ids written so far.
        row_ends: Number of ids up to the end of each row, shape (row_count,); written.

    Returns:
        Number of ids written so far, including these.
    """
    hit = np.int64(hit_ids.ctypes.data) + 4 * LANES
    target = np.int64(ids.ctypes.data)
    first_word = np.int64(0)
    first_hit = np.int64(0)
    for row in range(row_count):
        last_word = np.int64(get_i32(rows.before, get_i64(rows.last_word, row)))
        last_hit = get_i64(rows.last_hit, row)
        words = last_word - first_word
        count = words + last_hit - first_hit
        # The address of the hits, moved `words` places back: a load there has the first hit in lane `words`.
        row_words = rows.words + 4 * first_word
        row_hits = hit + 4 * (first_hit - words)
        if count <= LANES:
            total += sort_16_unique(row_words, words, row_hits, count, target + 4 * total)
        else:
            together = np.int64(gathered.ctypes.data)
            for i in range(words):
                put_i32(together, i, get_i32(row_words, i))
            for i in range(words, count):
                put_i32(together, i, get_i32(row_hits, i))
            count = sort_unique(gathered, count, spare)
            for i in range(count):
                put_i32(target, total + i, get_i32(together, i))
            total += count
        first_word = last_word
        first_hit = last_hit
        row_ends[row] = total
    return total


@step
def sort_unique(ids: NDArray[np.int32], count: int, spare: NDArray[np.int32]) -> int:
    """Sort any number of ids in place and remove repeats: the network sorts runs of 16, which are then merged.

    Args:
        ids: The ids, and LANES more places.
        count: Number of ids.
        spare: Scratch as long as `ids`.

    Returns:
        Number of distinct ids, which are now the first in `ids`.
    """
    home = np.int64(ids.ctypes.data)
    source = home
    target = np.int64(spare.ctypes.data)
    for start in range(0, count, LANES):
        width = min(LANES, count - start)
        run = home + 4 * start
        kept = sort_16_unique(run, width, run, width, target)
        for i in range(width):  # A run keeps its width: removed repeats are replaced by copies of the last id.
            put_i32(run, i, get_i32(target, min(i, kept - 1)))
    width = LANES
    while width < count:
        for left in range(0, count, 2 * width):
            _merge(source, left, min(left + width, count), min(left + 2 * width, count), target)
        source, target = target, source
        width *= 2
    kept = 0
    for i in range(count):
        value = get_i32(source, i)
        if i == 0 or value != get_i32(home, kept - 1):
            put_i32(home, kept, value)  # kept <= i: the overwritten id has already been read
            kept += 1
    return kept


@step
def _merge(source: int, left: int, right: int, end: int, target: int) -> None:
    """Merge the ascending runs [left, right) and [right, end) of `source` into the same places of `target`."""
    i = left
    j = right
    for k in range(left, end):
        if j >= end or (i < right and get_i32(source, i) <= get_i32(source, j)):
            put_i32(target, k, get_i32(source, i))
            i += 1
        else:
            put_i32(target, k, get_i32(source, j))
            j += 1
