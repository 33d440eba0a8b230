"""The t of a target size, compared with sorting, and language steps, compared with the rule."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing import target_size
from metaclip_spark.core.balancing.head_tail import language_threshold, tail_share
from metaclip_spark.core.balancing.language_steps import language_steps
from metaclip_spark.core.balancing.size_curve import SizeCurve
from metaclip_spark.core.balancing.target_size import EVERYTHING, Found, Window, histogram, min_t
from metaclip_spark.errors import ConfigError, ConsistencyError

if TYPE_CHECKING:
    from collections.abc import Callable

thresholds_of_rows = st.lists(
    st.one_of(
        st.floats(min_value=5e-324, max_value=1.79e308),
        st.sampled_from([1.0, 1.0 + 2**-52, 1.0 + 2**-30, 1.5, 20_000.0]),  # ties, and neighbours in one bin
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("finest", [0, 3, 1_000_000])
@pytest.mark.parametrize("first", ["measured", "stored"])
@given(thresholds_of_rows, st.data())
def test_least_t_is_the_order_statistic(first: str, finest: int, thresholds: list[float], data: st.DataObject) -> None:
    """Whatever the bins that are divided further: down to single doubles in steps, or at once."""
    rows = np.array([*thresholds, math.inf, math.nan])
    wanted = data.draw(st.integers(1, len(thresholds)))
    calls = []

    def measure(window: Window, shift: int) -> tuple[np.ndarray, np.ndarray]:
        calls.append(shift)
        return histogram(rows, window, shift)

    curve = SizeCurve()
    curve.add(rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(target_size, "FINEST_ROWS", finest)
        found = min_t(wanted, measure, (curve.bins, curve.rows) if first == "stored" else None)
    t = sorted(thresholds)[wanted - 1]
    assert found == Found(t, sum(threshold <= t for threshold in thresholds))
    assert (calls[0] == 46) == (first == "measured")
    assert len(calls) <= 4


@pytest.mark.parametrize("wanted", [0, 4])
def test_more_rows_than_there_are(wanted: int) -> None:
    with pytest.raises(ConfigError, match=f"{wanted} rows is outside 1 to 3"):
        min_t(wanted, lambda *part: histogram(np.array([1.0, 2.0, 3.0]), *part))


def test_a_pool_that_changed_is_noticed() -> None:
    before, after = np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 2.0, 2.0])
    with pytest.raises(ConsistencyError, match="had 2 rows and now has 3"):
        min_t(2, lambda window, shift: histogram(before if window == EVERYTHING else after, window, shift))


counts = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 2**50)), min_size=1, max_size=30)


@given(counts, counts, st.data())
def test_languages_follow_the_reference(reference: list[int], own: list[int], data: st.DataObject) -> None:
    """At any t of the reference, rows whose equivalents are at most t are those at most the language's own t."""
    of_reference, of_own = np.array([*reference, 3], np.int64), np.array(own, np.int64)
    steps = language_steps(of_reference, of_own)
    assert (np.diff(steps.own) > 0).all()
    assert (np.diff(steps.reference) > 0).all()
    t = data.draw(st.one_of(st.floats(1e-3, 2e15), st.sampled_from([float(count) for count in of_reference if count])))
    follows = language_threshold(of_own, tail_share(of_reference, t))
    matched = np.array([count for count in own if count] or [1], np.float64)
    rows = np.concatenate([matched, matched * 0.7, np.nextafter(matched, 0)])
    assert ((steps.equivalents(rows) <= t) == (rows <= follows.t)).all()
    nothing = steps.equivalents(np.array([math.inf, math.nan]))
    assert math.isinf(nothing[0])
    assert math.isnan(nothing[1])


def test_all_matches_are_the_tail_of_a_great_t() -> None:
    steps = language_steps(np.array([5, 7]), np.array([2, 9]))
    assert steps.own[-1] == language_threshold(np.array([2, 9]), Fraction(1)).t == 9


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a size and a t": (lambda: CurateConfig(t=5.0, target_size=5), "t and target_size each determine"),
    "a size and a share": (lambda: CurateConfig(keep_share=0.5, target_size=5), "target_size and keep_share"),
    "a share and a tail share": (lambda: CurateConfig(keep_share=0.5, tail_share=0.5), "keep_share and tail_share"),
    "no rows": (lambda: CurateConfig(target_size=0), "target_size = 0"),
    "rows that are none": (lambda: CurateConfig(target_size=2.5), "target_size = 2.5"),  # type: ignore[arg-type]
    "no share": (lambda: CurateConfig(keep_share=0.0), "keep_share = 0.0"),
    "more than all": (lambda: CurateConfig(keep_share=1.5), "keep_share = 1.5"),
    "a share of text": (lambda: CurateConfig(tail_share="6%"), "tail_share = '6%'"),  # type: ignore[arg-type]
    "a tail share of nothing": (lambda: CurateConfig(tail_share=math.nan), "tail_share = nan"),
    "a t beyond doubles": (lambda: CurateConfig(t=10**400), "is not a threshold"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_refused_ways_to_choose_t(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()


def test_t_is_the_papers_unless_another_way_is_given() -> None:
    assert CurateConfig() == CurateConfig(t=20_000)
    assert CurateConfig(tail_share=0.06).t is None
    assert (CurateConfig(t=5, tail_share=0.06).t, CurateConfig(target_size=7).t) == (5.0, None)
