"""Step 4 of matching: gather each row's ids, sort them, drop repeats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metaclip_spark.core.jit import step
from metaclip_spark.core.matching.intrinsics import sort_16_unique
from metaclip_spark.core.matching.kernels_hash import ENTRY_SHIFT
from metaclip_spark.core.matching.kernels_scan import Block
from metaclip_spark.core.matching.kernels_walk import Hits

LANES: int = 16
"""Ids that one sorting network takes; arrays that it reads and writes have that much room behind their last id."""


@step
def room_for_ids(ids: NDArray[np.int32], used: int, more: int) -> NDArray[np.int32]:
    """The same ids with room for `more` and `LANES` behind them, moved to a larger array if need be."""
    if used + more + LANES <= len(ids):
        return ids
    larger = np.empty(2 * (used + more) + LANES, np.int32)
    larger[:used] = ids[:used]
    return larger


@step
def sort_hits_by_row(hits: Hits, found: int, rows: int, ordered: NDArray[np.int32], end: NDArray[np.int64]) -> None:
    """Bring the hits of each row together (a counting sort, linear in hits and rows).

    Args:
        hits: as found.
        found: their number.
        rows: rows of the block; `hits.row` is below that.
        ordered: written, ids by row; at least `found` long.
        end: written, shape (at least rows + 1,): the hits of row r end at end[r] and begin where those of r - 1 end.
    """
    end[: rows + 1] = 0
    for i in range(found):
        end[hits.row[i] + 1] += 1
    for row in range(rows):
        end[row + 1] += end[row]
    for i in range(found):  # end[row] is now where the row begins; placing its hits moves it to where they end
        row = hits.row[i]
        ordered[end[row]] = hits.entry[i]
        end[row] += 1


@step
def gather_ids(
    block: Block,
    first: int,
    last: int,
    hit_ids: NDArray[np.int32],
    first_hit: int,
    last_hit: int,
    gathered: NDArray[np.int32],
    count: int,
) -> int:
    """Append one row's ids, unsorted, to `gathered`, which has room for a word and a hit each.

    Returns:
        number of ids gathered.
    """
    for i in range(first, last):
        # Written always, kept only if an entry ends here: a branch would be mispredicted at every third word.
        entry = np.int64(block.payload[i] >> ENTRY_SHIFT)
        gathered[count] = np.int32(entry - 1)
        count += entry != 0
    for i in range(first_hit, last_hit):
        gathered[count] = hit_ids[i]
        count += 1
    return count


@step
def _merge(source: NDArray[np.int32], left: int, right: int, end: int, target: NDArray[np.int32]) -> None:
    """Merge the ascending runs [left, right) and [right, end) of `source` into the same places of `target`."""
    i = left
    j = right
    for k in range(left, end):
        take_left = j >= end or (i < right and source[i] <= source[j])
        if take_left:
            target[k] = source[i]
            i += 1
        else:
            target[k] = source[j]
            j += 1


@step
def sort_unique(ids: NDArray[np.int32], count: int, spare: NDArray[np.int32]) -> int:
    """Sort the first `count` ids of an array in place and drop repeats: runs by the network, then merges of runs.

    Args:
        ids: `count` ids and `LANES` more places.
        count: how many.
        spare: as long as `ids`.

    Returns:
        number of distinct ids, which now stand first.
    """
    address = np.int64(ids.ctypes.data)
    sorted_run = np.empty(2 * LANES, np.int32)
    run_address = np.int64(sorted_run.ctypes.data)
    for start in range(0, count, LANES):
        width = min(LANES, count - start)
        kept = sort_16_unique(address + 4 * start, width, run_address)
        for i in range(width):  # runs keep their width: what was a repeat repeats the last id
            ids[start + i] = sorted_run[min(i, kept - 1)]
    width = LANES
    source = ids
    target = spare
    while width < count:
        for left in range(0, count, 2 * width):
            _merge(source, left, min(left + width, count), min(left + 2 * width, count), target)
        source, target = target, source
        width *= 2
    kept = 0
    for i in range(count):
        # kept <= i: what is overwritten has been read
        if i == 0 or source[i] != ids[kept - 1]:
            ids[kept] = source[i]
            kept += 1
    return kept


@step
def emit_row(
    gathered: NDArray[np.int32], count: int, spare: NDArray[np.int32], ids: NDArray[np.int32], total: int
) -> int:
    """Write one row's ids, ascending and without repeats, behind the `total` ids written so far.

    Args:
        gathered: `count` ids, unsorted, and `LANES` more places; left in disorder.
        count: how many.
        spare: as long as `gathered`.
        ids: the result, with room for `count + LANES` more.
        total: ids written so far.

    Returns:
        ids written, this row's included.
    """
    if count <= LANES:
        return total + sort_16_unique(np.int64(gathered.ctypes.data), count, np.int64(ids.ctypes.data) + 4 * total)
    kept = sort_unique(gathered, count, spare)
    ids[total : total + kept] = gathered[:kept]
    return total + kept
