"""The balancing kernel equals the plain rule bit for bit, and admission thresholds decide alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metaclip_spark.core.balancing.rule import admission_threshold, balance_rows, miss_probability

GREATEST_COUNT = 2**63 - 1
BORDERS = sorted(
    {1, 2, 3, 20_000, 170_000, GREATEST_COUNT}
    | {2**power + off for power in (24, 31, 32, 52, 53, 54, 62) for off in (-1, 0, 1)}
)
counts_of_entries = st.one_of(
    st.integers(0, 50),
    st.integers(1, 2_000_000),
    st.sampled_from(BORDERS),
    st.integers(1, GREATEST_COUNT),
)
draws = st.one_of(
    st.integers(0, 2**52 - 1),
    st.integers(0, 1_000),  # u near 0: a whole plateau of t gives the same product
    st.integers(0, 1_000).map(lambda k: 2**52 - 1 - k),  # u near 1: the product must all but vanish
).map(lambda k: (k + 0.5) * 2.0**-52)
thresholds = st.one_of(
    st.floats(min_value=5e-324, max_value=1.7e308, allow_subnormal=True),
    st.floats(min_value=1.0, max_value=1e7),
)
rows_of_counts = st.lists(counts_of_entries, max_size=40)


def kernel_row(counts: list[int], t: float, u: float) -> tuple[float, float]:
    ids = np.arange(len(counts), dtype=np.int32)
    offsets = np.array([0, len(counts)])
    table = np.array(counts, dtype=np.int64)
    rows = balance_rows(ids, offsets, table, t, np.array([u]))
    return float(rows.probability[0]), float(rows.threshold[0])


@settings(max_examples=1_500)
@given(rows_of_counts, thresholds, draws)
@example([1] * 1_000, 1.0, 2.0**-53)
@example([GREATEST_COUNT] * 1_000, 5e-324, 1 - 2.0**-53)
@example([20_000] * 3, 20_000.0, 0.5)
@example([2**53 + 1, 2**53 - 1], 2.0**53, 0.5)
def test_kernel_gives_the_bits_of_the_plain_rule(counts: list[int], t: float, u: float) -> None:
    probability, threshold = kernel_row(counts, t, u)
    assert probability == 1.0 - miss_probability(t, counts)
    assert threshold == admission_threshold(counts, u)


@settings(max_examples=600)
@given(rows_of_counts.filter(bool), draws, st.data())
def test_threshold_decides_as_the_product_does(counts: list[int], u: float, data: st.DataObject) -> None:
    _, threshold = kernel_row(counts, 1.0, u)
    assert 0.0 < threshold <= max(min(counts), 1)
    assert miss_probability(threshold, counts) <= 1.0 - u
    below = math.nextafter(threshold, 0.0)
    assert below == 0.0 or miss_probability(below, counts) > 1.0 - u
    t = data.draw(st.one_of(thresholds, st.sampled_from([threshold, below or threshold]), st.sampled_from(counts)))
    t = max(float(t), 5e-324)
    assert (threshold <= t) == (miss_probability(t, counts) <= 1.0 - u)


@settings(max_examples=600)
@given(rows_of_counts, thresholds)
def test_computed_product_never_grows_with_t(counts: list[int], t: float) -> None:
    assert miss_probability(math.nextafter(t, math.inf), counts) <= miss_probability(t, counts)


@pytest.mark.parametrize("matches", [1, 2, 7, 100, 1_000])
def test_batches_of_random_rows(matches: int) -> None:
    source = np.random.default_rng(matches)
    rows = max(4_000 // matches, 20)
    table = np.exp(source.uniform(0, math.log(1e9), 5_000)).astype(np.int64)
    lengths = source.integers(0, 2 * matches + 1, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = source.integers(0, table.size, offsets[-1]).astype(np.int32)
    u = (source.integers(0, 2**52, rows).astype(np.float64) + 0.5) * 2.0**-52
    balanced = balance_rows(ids, offsets, table, 20_000.0, u)
    for row in range(rows):
        counts = table[ids[offsets[row] : offsets[row + 1]]].tolist()
        assert balanced.threshold[row] == admission_threshold(counts, float(u[row]))
        assert balanced.probability[row] == 1.0 - miss_probability(20_000.0, counts)


@pytest.mark.parametrize("greatest_count", [3, 1e6, 9e18])
@pytest.mark.parametrize(
    "draw_range", [(0, 2**52), (0, 2**16), (2**52 - 2**16, 2**52)], ids=["any", "near 0", "near 1"]
)
def test_thresholds_of_many_rows_are_the_least(greatest_count: float, draw_range: tuple[int, int]) -> None:
    rows, matches = 20_000, 9
    source = np.random.default_rng(draw_range[0] % 97)
    table = np.exp(source.uniform(0, math.log(greatest_count), 5_000)).astype(np.int64)
    ids = source.integers(0, table.size, (rows, matches)).astype(np.int32)
    u = (source.integers(*draw_range, rows).astype(np.float64) + 0.5) * 2.0**-52
    threshold = balance_rows(ids.ravel(), np.arange(rows + 1) * matches, table, 1.0, u).threshold
    entry_counts = table[ids].astype(np.float64)

    def miss(t: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        product = np.ones(rows)
        for column in entry_counts.T:
            product *= 1.0 - np.minimum(1.0, t / column)
        return product

    assert (miss(threshold) <= 1.0 - u).all()
    assert (miss(np.nextafter(threshold, 0.0)) > 1.0 - u).all()
