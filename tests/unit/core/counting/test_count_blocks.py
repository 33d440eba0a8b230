"""Entry counts and count blocks: exact up to 2**63 - 1, and refused when damaged."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from metaclip_spark.core.counting.count_blocks import (
    EntryCounter,
    counts_from_blocks,
    decode_block,
    encode_block,
    merge_blocks,
)
from metaclip_spark.errors import ConsistencyError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

GREATEST = 2**63 - 1
HEADER = 16


def block(*counts: int) -> bytes:
    return encode_block(np.array(counts, dtype=np.int64))


ENCODINGS = {
    "empty": ([], HEADER),
    "all zero": ([0] * 100, HEADER),
    "dense, one byte each": ([1, 255, 3], HEADER + 3),
    "dense, two bytes each": ([1, 256], HEADER + 4),
    "dense, four bytes each": ([2**16, 2**32 - 1], HEADER + 8),
    "dense, eight bytes each": ([2**32, GREATEST], HEADER + 16),
    "sparse, one of many": ([0] * 1_000 + [7], HEADER + 5),
    "sparse, the greatest count": ([0, GREATEST, *[0] * 9], HEADER + 12),
    "a tie goes to dense": ([0, 0, 0, 0, 9], HEADER + 5),
}


@pytest.mark.parametrize(("counts", "size"), ENCODINGS.values(), ids=ENCODINGS)
def test_block_keeps_its_counts_in_the_shorter_form(counts: list[int], size: int) -> None:
    encoded = block(*counts)
    assert len(encoded) == size
    decoded = decode_block(encoded)
    assert decoded.dtype == np.int64
    assert decoded.flags.writeable
    assert decoded.tolist() == counts


def test_format_is_little_endian_and_versioned() -> None:
    assert block(1, 256) == b"EC\x01\x00\x02\x00\x00\x00" + struct.pack("<II2H", 2, 2, 1, 256)
    assert block(*[0] * 9, 5) == b"EC\x01\x01\x01\x00\x00\x00" + struct.pack("<IIIB", 10, 1, 9, 5)


def test_counter_cuts_only_the_blocks_that_hold_counts() -> None:
    counter = EntryCounter(10)
    counter.add(np.array([9, 0, 9], dtype=np.int32))
    counter.add(np.empty(0, dtype=np.int32))
    blocks = dict(counter.blocks(block_entries=4))
    assert {number: decode_block(data).tolist() for number, data in blocks.items()} == {0: [1, 0, 0, 0], 2: [0, 2]}
    assert counts_from_blocks(10, blocks.items(), block_entries=4).tolist() == counter.counts.tolist()


def test_counts_view_cannot_be_written() -> None:
    assert not EntryCounter(3).counts.flags.writeable


def test_no_blocks_are_no_counts() -> None:
    assert counts_from_blocks(3, []).tolist() == [0, 0, 0]


def test_blocks_of_one_number_add_up() -> None:
    assert counts_from_blocks(2, [(0, block(1, 2)), (0, block(3, 0))]).tolist() == [4, 2]


def test_merging_reaches_the_greatest_count_and_not_beyond() -> None:
    assert decode_block(merge_blocks(block(GREATEST - 1), block(1))).tolist() == [GREATEST]
    with pytest.raises(ConsistencyError, match=r"Entry 1 .*2\*\*63"):
        merge_blocks(block(0, GREATEST), block(0, 1))


def test_merge_travels_to_workers() -> None:
    assert pickle.loads(pickle.dumps(merge_blocks)) is merge_blocks


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "id past the entries": (
        lambda: EntryCounter(2).add(np.array([0, 2], np.int32)),
        InputError,
        "0 to 2, .* 2 entries",
    ),
    "negative id": (lambda: EntryCounter(2).add(np.array([-1], np.int32)), InputError, "from -1"),
    "negative count": (lambda: block(0, -5), InputError, "Count -5 of entry 1"),
    "shorter than a header": (lambda: decode_block(b"EC\x01"), ConsistencyError, "3 bytes"),
    "another magic": (lambda: decode_block(b"XX" + block(1)[2:]), ConsistencyError, "not a count block"),
    "another version": (lambda: decode_block(b"EC\x02" + block(1)[3:]), ConsistencyError, "version 1"),
    "cut": (lambda: decode_block(block(1, 2)[:-1]), ConsistencyError, "17 bytes instead of 18"),
    "joined": (lambda: decode_block(block(1) + block(2)), ConsistencyError, "instead of"),
    "position past the block": (
        lambda: decode_block(struct.pack("<2sBBB3xIIIB", b"EC", 1, 1, 1, 10, 1, 10, 5)),
        ConsistencyError,
        "10 entries .* position 10",
    ),
    "dense block with counts missing": (
        lambda: decode_block(struct.pack("<2sBBB3xIIB", b"EC", 1, 0, 1, 10, 1, 5)),
        ConsistencyError,
        "1 of 10",
    ),
    "other length": (lambda: merge_blocks(block(1), block(1, 2)), ConsistencyError, "1 and of 2 entries"),
    "block past the entries": (lambda: counts_from_blocks(2, [(1, block(1, 2))]), ConsistencyError, "block 1"),
    "block of other metadata": (
        lambda: counts_from_blocks(2, [(0, block(1))]),
        ConsistencyError,
        "1 entries instead of 2",
    ),
    "negative block": (lambda: counts_from_blocks(2, [(-1, block(1, 2))]), ConsistencyError, "block -1"),
    "sum past 64 bits": (
        lambda: counts_from_blocks(1, [(0, block(GREATEST)), (0, block(1))]),
        ConsistencyError,
        r"2\*\*63",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
