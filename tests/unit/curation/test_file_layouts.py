"""Sizes of files before any row is written: of the rows that are there, whosever counts balance them."""

from __future__ import annotations

import numpy as np
import pytest

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts

OWN = np.array([40, 160, 2_200, 0], np.int64)
ROWS = PoolRows(read=1_000, matched={"en": 800}, matches=2_400)
POOL = {"format": "parquet", "bytes": 1_000_000}


@pytest.mark.parametrize("times", [1, 100])
def test_counts_of_a_larger_pool_make_no_larger_rows(times: int) -> None:
    """The share that is kept is the counts' matter; how many rows there are, and of how many matches, is not."""
    own = file_layouts(CurateConfig(), [POOL], ROWS, {"en": OWN}, t={"en": 10.0}, reserve_t={"en": 100.0})
    found = file_layouts(
        CurateConfig(), [POOL], ROWS, {"en": OWN * times}, t={"en": 10.0 * times}, reserve_t={"en": 100.0 * times}
    )
    assert found == own
    assert own.curated.expected_bytes == pytest.approx(1_049 * 800 * (1 - (1 - 30 / 2_400) ** 3))


def test_counts_of_nothing_keep_all() -> None:
    """Entries that never matched in the other pool count as 1."""
    found = file_layouts(CurateConfig(), [POOL], ROWS, {"en": OWN * 0}, t={"en": 5.0}, reserve_t=None)
    assert found.curated.expected_bytes == pytest.approx(1_049 * 800)


def test_parts_of_a_table_are_laid_out_as_the_whole() -> None:
    """Two languages of one pool, each with rows of as many matches as the other's."""
    rows, counts, t = (
        PoolRows(1_000, {"en": 600, "de": 200}, 2_400),
        {"en": OWN, "de": OWN * 2},
        {"en": 10.0, "de": 2.0},
    )
    whole, *parts = (
        file_layouts(CurateConfig(), [POOL], part, counts, t=t, reserve_t={"en": 100.0, "de": 30.0})
        for part in (rows, rows.only({"en"}), rows.only({"de"}))
    )
    for joined, expected in zip(parts[0].plus(parts[1]), whole, strict=True):
        assert joined.expected_bytes == pytest.approx(expected.expected_bytes)
    unknown = file_layouts(CurateConfig(), [{"format": "delta"}], rows, counts, t=t, reserve_t=None)
    assert [layout.expected_bytes for layout in whole.plus(unknown)] == [None] * 3
