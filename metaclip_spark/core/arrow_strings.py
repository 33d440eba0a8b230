"""Buffers of an Arrow column of strings, for kernels: offsets, bytes and validity bitmap.

The bytes and the bitmap are not copied. Arrow itself checks only the first and the last offset, but kernels address
memory by all of them. This module is the only place where all are checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_BYTES: Final = read_only(np.zeros(0, np.uint8))


class StringBuffers(NamedTuple):
    """Buffers of a column of strings or byte strings. All arrays are read-only.

    Attributes:
        offsets: int64, shape (rows + 1,), not decreasing and within `data`. Row r is data[offsets[r]:offsets[r + 1]].
        data: Bytes of all rows, and possibly of others; uint8.
        validity: Arrow's validity bitmap, uint8; empty if no row is null.
        first_bit: Bit of the bitmap that belongs to row 0.
    """

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8]
    validity: NDArray[np.uint8]
    first_bit: int


def string_buffers(column: pa.Array, what: str) -> StringBuffers:
    """Return the buffers of a column of strings after checking that they are consistent.

    Args:
        column: Array of string, large_string, binary or large_binary, which may be sliced; or of type null, which gives
            empty rows.
        what: Name of the values for error messages, such as "captions".

    Raises:
        InputError: The column has another type, or its buffers contradict each other.

    >>> string_buffers(pa.array(["a", None, "bc"]), "captions").offsets.tolist()
    [0, 1, 1, 3]
    """
    rows, first = len(column), column.offset
    if pa.types.is_null(column.type):
        return StringBuffers(read_only(np.zeros(rows + 1, np.int64)), NO_BYTES, NO_BYTES, 0)
    offset_type = _offset_type(column.type, what)
    bitmap, offset_buffer, data_buffer = column.buffers()
    data = NO_BYTES if data_buffer is None else read_only(np.frombuffer(data_buffer, np.uint8))
    if offset_buffer is None or (rows == 0 and not offset_buffer.size):
        all_null = column.null_count == rows  # also true without rows, for which Arrow allows missing offsets
        offsets = np.zeros(first + rows + 1 if all_null else 0, np.int64)
    else:
        stored = offset_buffer.size // np.dtype(offset_type).itemsize  # the buffer may be padded
        offsets = np.frombuffer(offset_buffer, offset_type, count=stored)
    # All offsets become int64, so that kernels are compiled once. The copy and the check take a hundredth of a match.
    offsets = offsets[first : first + rows + 1].astype(np.int64)
    if len(offsets) != rows + 1 or offsets[0] < 0 or offsets[-1] > len(data) or (offsets[1:] < offsets[:-1]).any():
        raise InputError(
            f"An array of {rows:,} {what} is corrupt: {rows + 1:,} offsets must ascend within its {len(data):,} bytes. "
            "Write its file again."
        )
    validity = NO_BYTES
    if column.null_count:
        validity = NO_BYTES if bitmap is None else read_only(np.frombuffer(bitmap, np.uint8))
        if len(validity) * 8 < first + rows:
            raise InputError(
                f"An array of {rows:,} {what} is corrupt: its validity bitmap has only {len(validity):,} bytes. "
                "Write its file again."
            )
    return StringBuffers(read_only(offsets), data, validity, first)


def _offset_type(kind: pa.DataType, what: str) -> Any:
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return np.int64
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return np.int32
    raise InputError(f"The {what} have type {kind}. Cast them to string, large_string, binary or large_binary.")
