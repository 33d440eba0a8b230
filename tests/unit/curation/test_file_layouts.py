"""File sizes planned before any row is written, from the rows of the pool and the counts that balance them."""

from __future__ import annotations

import numpy as np
import pytest

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.choose_t import ChosenT
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts
from metaclip_spark.pools.source import Source

OWN = np.array([40, 160, 2_200, 0], np.int64)
ROWS = PoolRows(read=1_000, matched={"en": 800}, matches=2_400)
POOL = Source("digest", {"format": "parquet", "bytes": 1_000_000})


@pytest.mark.parametrize("times", [1, 100])
def test_counts_of_a_larger_pool_do_not_enlarge_rows(times: int) -> None:
    """Counts decide the kept share, but neither the number of rows nor the matches of each."""
    own = file_layouts(CurateConfig(), [POOL], ROWS, {"en": OWN}, ChosenT({"en": 10.0}, {"en": 100.0}))
    found = file_layouts(
        CurateConfig(), [POOL], ROWS, {"en": OWN * times}, ChosenT({"en": 10.0 * times}, {"en": 100.0 * times})
    )
    assert found == own
    assert own.curated.expected_bytes == pytest.approx(1_049 * 800 * (1 - (1 - 30 / 2_400) ** 3))


def test_counts_of_zero_keep_all_rows() -> None:
    """An entry that never matched in the other pool counts as 1."""
    found = file_layouts(CurateConfig(), [POOL], ROWS, {"en": OWN * 0}, ChosenT({"en": 5.0}))
    assert found.curated.expected_bytes == pytest.approx(1_049 * 800)


def test_layouts_of_parts_add_up_to_those_of_the_table() -> None:
    """Two languages of one pool, whose rows have equally many matches."""
    rows, counts, t = (
        PoolRows(1_000, {"en": 600, "de": 200}, 2_400),
        {"en": OWN, "de": OWN * 2},
        {"en": 10.0, "de": 2.0},
    )
    whole, *parts = (
        file_layouts(CurateConfig(), [POOL], part, counts, ChosenT(t, {"en": 100.0, "de": 30.0}))
        for part in (rows, rows.only({"en"}), rows.only({"de"}))
    )
    for joined, expected in zip(parts[0].plus(parts[1]), whole, strict=True):
        assert joined.expected_bytes == pytest.approx(expected.expected_bytes)
    unknown = file_layouts(CurateConfig(), [Source("digest", {"format": "delta"})], rows, counts, ChosenT(t))
    assert [layout.expected_bytes for layout in whole.plus(unknown)] == [None] * 3
