"""Columns of strings as kernels see them: offsets, bytes and a bitmap, taken from Arrow's buffers without a copy.

Arrow itself looks at the first and the last offset only, and kernels address memory by all of them: the one place
where they are checked is here.
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
    """A column of strings or byte strings; all arrays are read-only.

    Attributes:
        offsets: int64, shape (rows + 1,), not descending and within `data`: row r is data[offsets[r]:offsets[r + 1]].
        data: uint8, the bytes of all rows, perhaps of others too.
        validity: uint8, Arrow's bitmap, or empty if no row is null; bit `first_bit` belongs to row 0.
        first_bit: where the column begins in the bitmap.
    """

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8]
    validity: NDArray[np.uint8]
    first_bit: int


def string_buffers(column: pa.Array, what: str) -> StringBuffers:
    """The buffers of a column of strings, checked.

    Args:
        column: string, large_string, binary or large_binary, sliced or not; or of type null, which gives empty rows.
        what: what its values are, for messages: "captions".

    Raises:
        InputError: another type, or buffers that contradict each other.

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
        all_null = column.null_count == rows  # of no rows too: for them, Arrow allows that there are no offsets
        offsets = np.zeros(first + rows + 1 if all_null else 0, np.int64)
    else:
        whole = offset_buffer.size // np.dtype(offset_type).itemsize  # the buffer may be padded
        offsets = np.frombuffer(offset_buffer, offset_type, count=whole)
    # One type of offsets, so that there is one kernel; copy and check are a hundredth of the work of a match
    offsets = offsets[first : first + rows + 1].astype(np.int64)
    if len(offsets) != rows + 1 or offsets[0] < 0 or offsets[-1] > len(data) or (offsets[1:] < offsets[:-1]).any():
        raise InputError(f"an array of {rows:,} {what} has offsets outside its {len(data):,} bytes: it is corrupt")
    validity = NO_BYTES
    if column.null_count:
        validity = NO_BYTES if bitmap is None else read_only(np.frombuffer(bitmap, np.uint8))
        if len(validity) * 8 < first + rows:
            raise InputError(f"an array of {rows:,} {what} has a bitmap of {len(validity):,} bytes: it is corrupt")
    return StringBuffers(read_only(offsets), data, validity, first)


def _offset_type(kind: pa.DataType, what: str) -> Any:
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return np.int64
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return np.int32
    raise InputError(f"{what} are of type {kind}: cast them to string, large_string, binary or large_binary")
