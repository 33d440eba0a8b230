"""Counting matches per entry (Demystifying CLIP Data, Algorithm 1, part 1), and the blocks in which counts travel.

Each task counts into one dense array, cuts it into blocks of consecutive entry ids, and emits the blocks that are not
all zero; blocks of the same number are merged pairwise wherever they meet. Counts are exact 64-bit integers from end
to end. A block's bytes are a function of its counts alone, so merging in any order gives the same bytes.

Format of a block, version 1, all little endian:
    bytes 0-1    b"EC"
    byte  2      version, 1
    byte  3      0 dense | 1 sparse
    byte  4      bytes per count: the least of 1, 2, 4, 8 that holds the greatest
    bytes 5-7    zero
    bytes 8-11   entries in the block
    bytes 12-15  counts stored: all (dense), or those that are not zero (sparse)
    then         sparse only: the stored counts' positions in the block, ascending, 4 bytes each
    then         the counts
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.errors import ConsistencyError, InputError
from metaclip_spark.host.kernel_cache import kernel, read_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

BLOCK_ENTRIES: Final = 65_536
"""Entries per block: 500,000 entries make eight, so that a shuffle spreads them, and a merge touches at most 512 kB."""

_HEADER: Final = struct.Struct("<2sBBB3xII")
_MAGIC: Final = b"EC"
_VERSION: Final = 1
_DENSE: Final = 0
_SPARSE: Final = 1
_POSITION: Final = np.dtype("<u4")
_COUNT_TYPES: Final[dict[int, str]] = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}
_NARROW: Final = ((1, 2**8), (2, 2**16), (4, 2**32))


class EntryCounter:
    """Counts how many captions matched each entry: one per task, 8 bytes per entry.

    >>> counter = EntryCounter(n_entries=4)
    >>> counter.add(np.array([0, 2, 2], dtype=np.int32))
    >>> counter.counts.tolist()
    [1, 0, 2, 0]
    >>> counts_from_blocks(4, counter.blocks()).tolist()
    [1, 0, 2, 0]
    """

    def __init__(self, n_entries: int) -> None:
        self._counts = np.zeros(n_entries, dtype=np.int64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Shape (n_entries,), captions that matched each entry so far; a live, read-only view."""
        view = self._counts.view()
        view.flags.writeable = False
        return view

    def add(self, ids: NDArray[np.int32]) -> None:
        """Count a batch.

        Args:
            ids: shape (matches,), the matched entries of all its captions; each entry once per caption, in any order.

        Raises:
            InputError: an id is outside 0 <= id < n_entries; nothing is counted then.
        """
        if not ids.size:
            return
        if ids.min() < 0 or ids.max() >= self._counts.size:
            raise InputError(
                f"entry ids from {ids.min()} to {ids.max()} do not fit {self._counts.size} entries: the ids come from "
                "other metadata than the counter"
            )
        _count(read_only(ids.astype(np.int32, copy=False)), self._counts)

    def blocks(self, block_entries: int = BLOCK_ENTRIES) -> Iterator[tuple[int, bytes]]:
        """The blocks that hold any count.

        Args:
            block_entries: entries per block; the last block may be shorter.

        Yields:
            Block number (first entry id // block_entries) and its bytes, ascending by number.
        """
        for block, start in enumerate(range(0, self._counts.size, block_entries)):
            counts = self._counts[start : start + block_entries]
            if counts.any():
                yield block, encode_block(counts)


@kernel
def _count(ids: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
    """A plain loop: numpy's bincount would allocate and add an array of all entries for every batch."""
    for k in range(ids.size):
        counts[ids[k]] += 1


def encode_block(counts: NDArray[np.int64]) -> bytes:
    """The bytes of one block, sparse or dense, whichever is shorter (dense if neither is).

    Args:
        counts: shape (entries,), each >= 0.

    Raises:
        InputError: a count is negative.
    """
    if counts.size and counts.min() < 0:
        raise InputError(f"count {counts.min()} of entry {counts.argmin()} of the block is negative: counts only grow")
    greatest = int(counts.max(initial=0))
    width = next((width for width, limit in _NARROW if greatest < limit), 8)
    positions = np.flatnonzero(counts)
    sparse = positions.size * (_POSITION.itemsize + width) < counts.size * width
    stored = counts[positions] if sparse else counts
    return b"".join(
        (
            _HEADER.pack(_MAGIC, _VERSION, _SPARSE if sparse else _DENSE, width, counts.size, stored.size),
            positions.astype(_POSITION).tobytes() if sparse else b"",
            stored.astype(_COUNT_TYPES[width]).tobytes(),
        )
    )


def decode_block(block: bytes) -> NDArray[np.int64]:
    """The counts of one block: shape (entries,), a new array.

    Raises:
        ConsistencyError: the bytes are no block of this version, or damaged.
    """
    if len(block) < _HEADER.size:
        raise ConsistencyError(f"a count block of {len(block)} bytes is shorter than its header of {_HEADER.size}")
    magic, version, form, width, entries, stored = _HEADER.unpack_from(block)
    if magic != _MAGIC or version != _VERSION or form not in (_DENSE, _SPARSE) or width not in _COUNT_TYPES:
        raise ConsistencyError(
            f"no count block of version {_VERSION}: it starts with {block[:5]!r}; all executors must run one release"
        )
    positions_size = stored * _POSITION.itemsize if form == _SPARSE else 0
    expected = _HEADER.size + positions_size + stored * width
    if len(block) != expected:
        raise ConsistencyError(f"a count block has {len(block)} bytes instead of {expected}: it was cut or joined")
    values = np.frombuffer(block, dtype=_COUNT_TYPES[width], offset=_HEADER.size + positions_size).astype(np.int64)
    if form == _DENSE:
        if stored != entries:
            raise ConsistencyError(f"a dense count block holds {stored} of {entries} counts: its header is damaged")
        return values
    positions = np.frombuffer(block, dtype=_POSITION, count=stored, offset=_HEADER.size)
    if stored and positions.max() >= entries:
        raise ConsistencyError(f"a count block has a count at position {positions.max()} of {entries} entries: damaged")
    counts = np.zeros(entries, dtype=np.int64)
    counts[positions] = values
    return counts


def merge_blocks(left: bytes, right: bytes) -> bytes:
    """The block of the summed counts: commutative and associative to the byte, as a distributed reduction needs.

    Args:
        left: the bytes of a block.
        right: the bytes of the block of the same number from another task.

    Raises:
        ConsistencyError: they differ in length, either is damaged, or a sum exceeds 2**63 - 1.

    >>> one = encode_block(np.array([1, 0, 300]))
    >>> decode_block(merge_blocks(one, one)).tolist()
    [2, 0, 600]
    """
    left_counts, right_counts = decode_block(left), decode_block(right)
    if left_counts.size != right_counts.size:
        raise ConsistencyError(
            f"count blocks of {left_counts.size} and {right_counts.size} entries: two metadata lists"
        )
    return encode_block(_exact_sum(left_counts, right_counts))


def counts_from_blocks(
    n_entries: int, blocks: Iterable[tuple[int, bytes]], block_entries: int = BLOCK_ENTRIES
) -> NDArray[np.int64]:
    """The counts of all entries from their blocks.

    Args:
        n_entries: entries of the metadata.
        blocks: pairs of block number and bytes, in any order; a number that comes twice is summed, one that is absent
            is zero.
        block_entries: entries per block, as the blocks were cut.

    Returns:
        shape (n_entries,), captions that matched each entry.

    Raises:
        ConsistencyError: a block does not fit its place, is damaged, or a sum exceeds 2**63 - 1.
    """
    counts = np.zeros(n_entries, dtype=np.int64)
    for block, data in blocks:
        place = counts[block * block_entries : (block + 1) * block_entries] if block >= 0 else counts[:0]
        values = decode_block(data)
        if values.size != place.size or not place.size:
            raise ConsistencyError(
                f"count block {block} holds {values.size} entries where {n_entries} entries in blocks of "
                f"{block_entries} leave room for {place.size}: it was cut for other metadata"
            )
        place[:] = _exact_sum(place, values)
    return counts


def _exact_sum(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of counts >= 0; two such numbers that overflow wrap to a negative one, so the sign tells."""
    summed: NDArray[np.int64] = left + right
    if summed.size and summed.min() < 0:
        raise ConsistencyError(
            f"entry {summed.argmin()} of a block is matched over 2**63 - 1 times: counts no longer fit"
        )
    return summed
