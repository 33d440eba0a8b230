"""Captions in the form that an engine matches: bytes and offsets in Arrow's layout, with room to read past each end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaclip_spark.core.arrow_strings import NO_BYTES, string_buffers
from metaclip_spark.core.word_hashing import PAD
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


class Captions(NamedTuple):
    """A batch of captions in Arrow buffers.

    Attributes:
        data: Bytes of the captions, uint8.
        tail: Copy of the bytes from offsets[first_tail_row] on, followed by `PAD` zeros; uint8. Kernels load 64 bytes
            at once, and the last rows of `data` may have fewer bytes after them.
        first_tail_row: First row that is read from `tail`.
        offsets: Start of each row in `data` and the end of the last; int64, shape (rows + 1,), not decreasing.
        validity: Arrow's validity bitmap, uint8; empty if no row is null.
        first_bit: Bit of the bitmap that belongs to row 0.
    """

    data: NDArray[np.uint8]
    tail: NDArray[np.uint8]
    first_tail_row: int
    offsets: NDArray[np.int64]
    validity: NDArray[np.uint8]
    first_bit: int


def captions_from_arrow(column: pa.Array) -> Captions:
    """Return a column of captions without copying more than its last rows.

    Args:
        column: Array of string, large_string, binary or large_binary; may be sliced.

    Raises:
        InputError: The column has another type, or its buffers contradict each other.
    """
    offsets, data, validity, first_bit = string_buffers(column, "captions")
    first_tail_row, tail = _padded_tail(offsets, data)
    return Captions(data, tail, first_tail_row, offsets, validity, first_bit)


def captions_from_bytes(caption: bytes) -> Captions:
    """Return a batch of one caption."""
    offsets = read_only(np.array([0, len(caption)], np.int64))
    padded = read_only(np.frombuffer(caption + bytes(PAD), np.uint8))
    return Captions(padded, NO_BYTES, 1, offsets, NO_BYTES, 0)


def _padded_tail(offsets: NDArray[np.int64], data: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8]]:
    """Return the first row that ends less than `PAD` bytes before the end of `data`, and a padded copy from there on.

    The last row usually ends at the end of the buffer, so the copy is one row, or the few rows of the last 64 bytes.
    """
    rows = len(offsets) - 1
    first = int(np.searchsorted(offsets[1:], len(data) - PAD, side="right"))
    if first == rows:
        return rows, NO_BYTES
    rest = data[offsets[first] : offsets[rows]]
    return first, read_only(np.concatenate([rest, np.zeros(PAD, np.uint8)]))
