"""Counting matches per entry (Demystifying CLIP Data, Algorithm 1, part 1), and the blocks in which counts travel.

Each task counts into one dense array, divides it into blocks of consecutive entry ids, and emits the blocks that are
not all zero. Blocks with the same number are merged pairwise, in any order. Counts are exact 64-bit integers
throughout. The bytes of a block depend on its counts only, so every order of merging gives the same bytes.

Format of a block, version 1, all little endian:
    bytes 0-1    b"EC"
    byte  2      version, 1
    byte  3      0 dense | 1 sparse
    byte  4      bytes per count: the smallest of 1, 2, 4, 8 that fits the greatest count
    bytes 5-7    zero
    bytes 8-11   entries in the block
    bytes 12-15  number of stored counts: all (dense), or those that are not zero (sparse)
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
"""Entries per block: 500,000 entries make eight blocks for a shuffle to spread, and a merge touches at most 512 kB."""

_HEADER: Final = struct.Struct("<2sBBB3xII")
_MAGIC: Final = b"EC"
_VERSION: Final = 1
_DENSE: Final = 0
_SPARSE: Final = 1
_POSITION: Final = np.dtype("<u4")
_COUNT_TYPES: Final[dict[int, str]] = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<i8"}
_NARROW: Final = ((1, 2**8), (2, 2**16), (4, 2**32))


class EntryCounter:
    """Counter of the captions that match each entry: one per task, 8 bytes per entry.

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
        """Number of captions that match each entry so far; shape (n_entries,), a live, read-only view."""
        view = self._counts.view()
        view.flags.writeable = False
        return view

    def add(self, ids: NDArray[np.int32]) -> None:
        """Add a batch of captions.

        Args:
            ids: Shape (matches,), matched entries of all captions; each entry once per caption, in any order.

        Raises:
            InputError: An id is outside 0 <= id < n_entries. Nothing is counted then.
        """
        if not ids.size:
            return
        if ids.min() < 0 or ids.max() >= self._counts.size:
            raise InputError(
                f"The entry ids run from {ids.min()} to {ids.max()}, but the counter has {self._counts.size} entries. "
                "Ids and counter belong to different metadata."
            )
        _count(read_only(ids.astype(np.int32, copy=False)), self._counts)

    def blocks(self, block_entries: int = BLOCK_ENTRIES) -> Iterator[tuple[int, bytes]]:
        """Yield the blocks that are not all zero.

        Args:
            block_entries: Number of entries per block; the last block may be shorter.

        Yields:
            Block number (first entry id // block_entries) and bytes of each block, ascending by number.
        """
        for block, start in enumerate(range(0, self._counts.size, block_entries)):
            counts = self._counts[start : start + block_entries]
            if counts.any():
                yield block, encode_block(counts)


@kernel
def _count(ids: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
    """Count each id, in a loop: numpy's bincount would allocate and add an array of all entries for every batch."""
    for k in range(ids.size):
        counts[ids[k]] += 1


def encode_block(counts: NDArray[np.int64]) -> bytes:
    """Return the bytes of one block, sparse or dense, whichever is shorter (dense if they are equally long).

    Args:
        counts: Shape (entries,), each >= 0.

    Raises:
        InputError: A count is negative.
    """
    if counts.size and counts.min() < 0:
        raise InputError(f"Count {counts.min()} of entry {counts.argmin()} of a block is negative.")
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
    """Return the counts of one block: shape (entries,), a new array.

    Raises:
        ConsistencyError: The bytes are not a block of this version, or they are damaged.
    """
    if len(block) < _HEADER.size:
        raise ConsistencyError(
            f"A count block of {len(block)} bytes is shorter than its header of {_HEADER.size} bytes."
        )
    magic, version, form, width, entries, stored = _HEADER.unpack_from(block)
    if magic != _MAGIC or version != _VERSION or form not in (_DENSE, _SPARSE) or width not in _COUNT_TYPES:
        raise ConsistencyError(
            f"Bytes that start with {block[:5]!r} are not a count block of version {_VERSION}. All executors must run "
            "the same release of metaclip-spark."
        )
    positions_size = stored * _POSITION.itemsize if form == _SPARSE else 0
    expected = _HEADER.size + positions_size + stored * width
    if len(block) != expected:
        raise ConsistencyError(f"A count block has {len(block)} bytes instead of {expected}. It is damaged.")
    values = np.frombuffer(block, dtype=_COUNT_TYPES[width], offset=_HEADER.size + positions_size).astype(np.int64)
    if form == _DENSE:
        if stored != entries:
            raise ConsistencyError(f"A dense count block has {stored} of {entries} counts. Its header is damaged.")
        return values
    positions = np.frombuffer(block, dtype=_POSITION, count=stored, offset=_HEADER.size)
    if stored and positions.max() >= entries:
        raise ConsistencyError(
            f"A count block of {entries} entries has a count at position {positions.max()}. It is damaged."
        )
    counts = np.zeros(entries, dtype=np.int64)
    counts[positions] = values
    return counts


def merge_blocks(left: bytes, right: bytes) -> bytes:
    """Return the block of the summed counts. The operation is commutative and associative to the byte.

    Args:
        left: Bytes of a block.
        right: Bytes of the block with the same number from another task.

    Raises:
        ConsistencyError: The numbers of entries differ, a block is damaged, or a sum exceeds 2**63 - 1.

    >>> one = encode_block(np.array([1, 0, 300]))
    >>> decode_block(merge_blocks(one, one)).tolist()
    [2, 0, 600]
    """
    left_counts, right_counts = decode_block(left), decode_block(right)
    if left_counts.size != right_counts.size:
        raise ConsistencyError(
            f"Count blocks of {left_counts.size} and of {right_counts.size} entries belong to different metadata."
        )
    return encode_block(_exact_sum(left_counts, right_counts))


def counts_from_blocks(
    n_entries: int, blocks: Iterable[tuple[int, bytes]], block_entries: int = BLOCK_ENTRIES
) -> NDArray[np.int64]:
    """Return the counts of all entries from their blocks.

    Args:
        n_entries: Number of entries of the metadata.
        blocks: Pairs of block number and bytes, in any order. Blocks with the same number are summed; counts of missing
            blocks are 0.
        block_entries: Number of entries per block.

    Returns:
        Shape (n_entries,), number of captions that match each entry.

    Raises:
        ConsistencyError: A block has the wrong length, is damaged, or a sum exceeds 2**63 - 1.
    """
    counts = np.zeros(n_entries, dtype=np.int64)
    for block, data in blocks:
        place = counts[block * block_entries : (block + 1) * block_entries] if block >= 0 else counts[:0]
        values = decode_block(data)
        if values.size != place.size or not place.size:
            raise ConsistencyError(
                f"Count block {block} has {values.size} entries instead of {place.size} ({n_entries} entries in blocks "
                f"of {block_entries}). It belongs to other metadata."
            )
        place[:] = _exact_sum(place, values)
    return counts


def _exact_sum(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of counts >= 0, checked for overflow: an overflowing sum of two such numbers is negative."""
    summed: NDArray[np.int64] = left + right
    if summed.size and summed.min() < 0:
        raise ConsistencyError(
            f"Entry {summed.argmin()} of a block has more than 2**63 - 1 matches, the greatest possible count."
        )
    return summed
