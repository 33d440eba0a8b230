"""Buffers of Arrow columns: every layout that Arrow allows is read, every other is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from metaclip_spark.core.arrow_strings import string_buffers
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.xxh64 import hash_rows, xxh64
from metaclip_spark.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
VALUES = [b"before", b"", b"a", None, b"\xc3\xa9", b"after"]


class Unchecked:
    """Stand-in for a string array of buffers that pyarrow rejects but other producers may create."""

    type = pa.string()
    offset = 0

    def __init__(
        self, rows: int, offsets: list[int] | None, data: bytes | None = b"abcd", bitmap: bytes = b"", nulls: int = 0
    ) -> None:
        self.rows = rows
        self.null_count = nulls
        self.parts = [
            pa.py_buffer(bitmap) if bitmap else None,
            None if offsets is None else pa.py_buffer(np.array(offsets, np.int32)),
            None if data is None else pa.py_buffer(data),
        ]

    def __len__(self) -> int:
        return self.rows

    def buffers(self) -> list[pa.Buffer | None]:
        return self.parts


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("rows", [slice(None), slice(1, 5), slice(3, 4), slice(2, 2), slice(6, None)], ids=str)
def test_every_type_and_slice(kind: pa.DataType, rows: slice) -> None:
    column = pa.array(VALUES).cast(kind)[rows.start or 0 : rows.stop if rows.stop is not None else len(VALUES)]
    offsets, data, validity, first_bit = string_buffers(column, "values")
    assert (offsets.dtype, data.dtype, validity.dtype) == (np.int64, np.uint8, np.uint8)
    found = [
        None
        if len(validity) and not validity[(first_bit + row) // 8] >> (first_bit + row) % 8 & 1
        else data[offsets[row] : offsets[row + 1]].tobytes()
        for row in range(len(column))
    ]
    assert found == VALUES[rows]
    assert hash_rows(column, 3).tolist() == [xxh64(value or b"", 3) for value in VALUES[rows]]


EMPTY = {
    "of type null": pa.nulls(3),
    "all null": pa.nulls(3, pa.string()),
    "all null, without offsets": Unchecked(3, None, None, bytes(1), nulls=3),
    "without data": Unchecked(3, [0, 0, 0, 0], None),
    "no rows": pa.array([], pa.string()),
    "no rows, without offsets": Unchecked(0, None, None),
    "no rows, no bytes of offsets": Unchecked(0, []),
}


@pytest.mark.parametrize("column", EMPTY.values(), ids=EMPTY)
def test_empty_rows(column: pa.Array) -> None:
    assert string_buffers(column, "values").offsets.tolist() == [0] * (len(column) + 1)
    assert hash_rows(column, 7).tolist() == [xxh64(b"", 7)] * len(column)
    assert Matcher(compile_metadata(["a"])).match_ids(column)[0].tolist() == []


CORRUPT = {
    "an offset beyond the data": (Unchecked(3, [0, 9, 1, 4]), "offsets must ascend within its 4 bytes"),
    "an offset below 0": (Unchecked(3, [0, -9, 1, 4]), "offsets must ascend within its 4 bytes"),
    "offsets that descend": (Unchecked(3, [0, 3, 2, 4]), "offsets must ascend within its 4 bytes"),
    "offsets that begin below 0": (Unchecked(1, [-1, 4]), "offsets must ascend within its 4 bytes"),
    "the last offset beyond the data": (Unchecked(1, [0, 5]), "offsets must ascend within its 4 bytes"),
    "too few offsets": (Unchecked(3, [0, 1]), "offsets must ascend within its 4 bytes"),
    "no offsets": (Unchecked(3, None), "offsets must ascend within its 4 bytes"),
    "no data": (Unchecked(1, [0, 4], None), "offsets must ascend within its 0 bytes"),
    "a bitmap cut short": (Unchecked(9, [0] * 10, b"", b"\0", nulls=9), "bitmap has only 1 bytes"),
    "nulls without a bitmap": (Unchecked(2, [0, 1, 2], nulls=1), "bitmap has only 0 bytes"),
    "numbers": (pa.array([1]), "type int64. Cast"),
    "a dictionary": (pa.array(["a"]).dictionary_encode(), "Cast them to string"),
    "a view": (pa.array(["a"], pa.string_view()), "type string_view. Cast"),
}


@pytest.mark.parametrize("read", [lambda column: hash_rows(column, 0), Matcher(compile_metadata(["a"])).match_ids])
@pytest.mark.parametrize(("column", "message"), CORRUPT.values(), ids=CORRUPT)
def test_invalid_columns_are_rejected(read: Callable[[pa.Array], object], column: pa.Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(column)
