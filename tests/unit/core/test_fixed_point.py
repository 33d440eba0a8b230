"""Sums of probabilities: the same integer for every order and every partitioning."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_spark.core import fixed_point
from metaclip_spark.core.fixed_point import FRACTION_BITS, as_rows, sum_probability, sum_variance
from metaclip_spark.errors import ConsistencyError

probabilities = st.lists(st.floats(0.0, 1.0), max_size=40)


@given(probabilities, st.integers(0, 40), st.randoms())
def test_order_and_cuts_do_not_matter(values: list[float], cut: int, random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = np.array(values)
    for sum_of in (sum_probability, sum_variance):
        assert sum_of(whole) == sum_of(np.array(shuffled[:cut])) + sum_of(np.array(shuffled[cut:]))


@given(probabilities)
def test_sum_is_off_by_half_a_unit_a_row_at_most(values: list[float]) -> None:
    exact = sum(map(Fraction, values), Fraction(0))
    assert abs(Fraction(sum_probability(np.array(values)), 2**FRACTION_BITS) - exact) <= Fraction(
        len(values), 2 ** (FRACTION_BITS + 1)
    )
    assert sum_probability(np.array(values)) == sum(round(value * 2**FRACTION_BITS) for value in values)


def test_a_long_batch_is_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_point, "_ROWS_AT_A_TIME", 3)
    assert as_rows(sum_probability(np.full(10, 0.5))) == 5.0


def test_sums_beyond_64_bits_are_rows_still() -> None:
    assert as_rows(10**9 << FRACTION_BITS << 40) == 1e9 * 2.0**40


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ConsistencyError, match="outside"):
        sum_probability(np.array([0.5, wrong]))
