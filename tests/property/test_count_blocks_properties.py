"""Count blocks in any number, order and grouping give the same bytes."""

from __future__ import annotations

from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metaclip_spark.core.counting.count_blocks import (
    EntryCounter,
    counts_from_blocks,
    decode_block,
    encode_block,
    merge_blocks,
)

ENTRIES = 40
counts = st.lists(st.one_of(st.just(0), st.integers(0, 300), st.integers(0, 2**60)), min_size=ENTRIES, max_size=ENTRIES)
id_lists = st.lists(st.integers(0, ENTRIES - 1), max_size=60)


@given(counts)
def test_decode_inverts_encode(values: list[int]) -> None:
    assert decode_block(encode_block(np.array(values))).tolist() == values


@given(counts, counts, counts)
def test_merging_commutes_and_associates_to_the_byte(left: list[int], middle: list[int], right: list[int]) -> None:
    parts = (left, middle, right)
    one, two, three = (encode_block(np.array(part)) for part in parts)
    assert merge_blocks(one, two) == merge_blocks(two, one)
    merged = merge_blocks(merge_blocks(one, two), three)
    assert merged == merge_blocks(one, merge_blocks(two, three))
    assert decode_block(merged).tolist() == [sum(column) for column in zip(*parts, strict=True)]


@given(st.lists(id_lists, max_size=5), st.integers(1, ENTRIES + 5))
def test_counts_do_not_depend_on_who_counted(partitions: list[list[int]], block_entries: int) -> None:
    by_block: dict[int, list[bytes]] = {}
    for ids in partitions:
        counter = EntryCounter(ENTRIES)
        counter.add(np.array(ids, dtype=np.int32))
        for number, data in counter.blocks(block_entries):
            by_block.setdefault(number, []).append(data)
    merged = [(number, reduce(merge_blocks, parts)) for number, parts in by_block.items()]
    together = [entry for ids in partitions for entry in ids]
    expected = [together.count(entry) for entry in range(ENTRIES)]
    assert counts_from_blocks(ENTRIES, merged, block_entries).tolist() == expected
