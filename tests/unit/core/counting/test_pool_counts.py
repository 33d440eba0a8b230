"""Counts of two pools add up to those of both, including the row counters."""

from __future__ import annotations

import numpy as np

from metaclip_spark.core.counting.pool_counts import PoolCounter, PoolCounts, pool_counts

N_ENTRIES = {"en": 3, "de": 2}


def counted(*pools: tuple[int, list[int]]) -> PoolCounts:
    counter = PoolCounter(N_ENTRIES)
    for null, ids in pools:
        counter.add_rows(read=null + 2, null=null, empty=1, language_without_metadata=0)
        counter.add_matches("en", np.array(ids, np.int32), np.array([0, len(ids)]))
    return pool_counts(N_ENTRIES, counter.blocks())


def test_plus_is_counting_both() -> None:
    first, second = (2, [0, 2]), (5, [2])
    ours, both = counted(first).plus(counted(second)), counted(first, second)
    assert {name: counts.tolist() for name, counts in ours.entries.items()} == {"en": [1, 0, 2], "de": [0, 0]}
    for name in ("read", "null", "empty", "language_without_metadata", "matched", "unmatched", "matches"):
        assert getattr(ours, name) == getattr(both, name), name
