"""The size curve: edges belong to the bin below, sums are exact at edges, and the curves of parts add up."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_spark.core.balancing.size_curve import SizeCurve, threshold_bin, upper_edge
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

positive = st.floats(min_value=5e-324, max_value=1.79e308)


def curve_of(*thresholds: float) -> SizeCurve:
    curve = SizeCurve()
    curve.add(np.array(thresholds, dtype=np.float64))
    return curve


@pytest.mark.parametrize("edge", [2.0**-54, 1.0, 1 + 1 / 64, 20_480.0, 2.0**63, 2.0**-1022])
def test_an_edge_closes_its_bin(edge: float) -> None:
    below, at, above = threshold_bin(np.array([math.nextafter(edge, 0), edge, math.nextafter(edge, math.inf)]))
    assert below == at == above - 1
    assert upper_edge(int(at)) == edge


@given(positive)
def test_every_threshold_lies_in_its_bin(threshold: float) -> None:
    bin_ = int(threshold_bin(np.array([threshold]))[0])
    assert (upper_edge(bin_ - 1) if bin_ else 0.0) < threshold <= upper_edge(bin_)


@pytest.mark.parametrize("power", [-3, 0, 14])
def test_bins_are_finer_than_two_percent(power: int) -> None:
    first = int(threshold_bin(np.array([2.0**power]))[0])
    edges = [upper_edge(first + step) for step in range(65)]
    assert edges[-1] == 2 * edges[0]
    assert max(b / a for a, b in pairwise(edges)) <= 1 + 1 / 64


@given(st.lists(positive, max_size=30), st.lists(positive, max_size=30), st.sampled_from([1.0, 2.0**-20, 20_480.0]))
def test_size_at_an_edge_is_the_number_of_thresholds_up_to_it(
    left: list[float], right: list[float], edge: float
) -> None:
    merged = curve_of(*left).merge(curve_of(*right))
    assert merged.size_at(edge) == sum(threshold <= edge for threshold in left + right)
    assert merged.total == len(left) + len(right)
    pairs = SizeCurve.from_bins([*merged.bins, 5], [*merged.rows, 0])
    assert pairs.bins.tolist() == merged.bins.tolist()
    assert pairs.rows.tolist() == merged.rows.tolist()


@given(st.lists(positive, max_size=30), positive)
def test_bounds_hold_the_size_at_any_t(thresholds: list[float], t: float) -> None:
    low, high = curve_of(*thresholds).size_bounds(t)
    assert low <= sum(threshold <= t for threshold in thresholds) <= high


@given(st.lists(positive, min_size=1, max_size=30), st.data())
def test_target_size_lies_in_its_bin(thresholds: list[float], data: st.DataObject) -> None:
    curve = curve_of(*thresholds)
    wanted = data.draw(st.integers(1, len(thresholds)))
    order_statistic = sorted(thresholds)[wanted - 1]
    assert curve.target_size(wanted) == threshold_bin(np.array([order_statistic]))[0]


def test_rows_without_match_or_draw_are_in_no_bin() -> None:
    curve = curve_of(math.inf, math.nan)
    assert (curve.total, curve.bins.tolist(), curve.rows.tolist()) == (0, [], [])


def test_a_bin_that_comes_twice_is_summed() -> None:
    assert SizeCurve.from_bins([7, 7], [1, 2]).rows.tolist() == [3]


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "inside a bin": (lambda: curve_of(1.0).size_at(20_000), ConfigError, r"known at 19968\.0 and 20224\.0"),
    "t = 0": (lambda: curve_of(1.0).size_bounds(0.0), ConfigError, "t = 0.0"),
    "threshold 0": (lambda: curve_of(0.0), InputError, "not > 0"),
    "more rows than there are": (lambda: curve_of(1.0).target_size(2), ConfigError, "2 rows is outside 1 to 1"),
    "no rows": (lambda: curve_of(1.0).target_size(0), ConfigError, "0 rows"),
    "bin outside the grid": (lambda: SizeCurve.from_bins([-1], [1]), InputError, "-1 to -1"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_task_sends_filled_bins_only() -> None:
    curve = SizeCurve()
    curve.add(np.random.default_rng(3).lognormal(3.0, 4.0, 100_000))
    assert len(pickle.dumps(curve)) < 50_000
