"""Head, tail and the threshold of a language: hand-checked, and compared with a search through every fraction."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_spark.core.balancing.head_tail import (
    HeadTail,
    LanguageThreshold,
    head_tail,
    language_threshold,
    tail_share,
)
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

GREATEST = 2**63 - 1


def array(*counts: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(counts, dtype=np.int64)


SUMMARIES = {
    "no entries": ((), 10.0, HeadTail(0, 0, 0, 0, 0)),
    "nothing matched": ((0, 0), 10.0, HeadTail(0, 0, 2, 0, 0)),
    "equality is head": ((0, 9, 10, 11), 10.0, HeadTail(2, 1, 1, 30, 21)),
    "t between two counts": ((9, 10), 9.5, HeadTail(1, 1, 0, 19, 10)),
    "t below every count": ((1, 2), 5e-324, HeadTail(2, 0, 0, 3, 3)),
    "t above every count": ((1, GREATEST), 1e300, HeadTail(0, 2, 0, GREATEST + 1, 0)),
    "sums beyond 64 bits": ((GREATEST, GREATEST), 1.0, HeadTail(2, 0, 0, 2 * GREATEST, 2 * GREATEST)),
    "counts that a double would round": ((2**53, 2**53 + 1), 2.0**53 + 2, HeadTail(0, 2, 0, 2**54 + 1, 0)),
}


@pytest.mark.parametrize(("counts", "t", "expected"), SUMMARIES.values(), ids=SUMMARIES)
def test_head_tail(counts: tuple[int, ...], t: float, expected: HeadTail) -> None:
    assert head_tail(array(*counts), t) == expected


SHARES = {
    "strictly below": ((0, 5, 15, 80), 15.0, Fraction(1, 20)),
    "just above a count": ((0, 5, 15, 80), 15.5, Fraction(1, 5)),
    "no tail": ((7, 9), 1.0, Fraction(0)),
    "all tail": ((7, 9), 10.0, Fraction(1)),
    "exact beyond 64 bits": ((GREATEST, GREATEST, 1), 2.0, Fraction(1, 2 * GREATEST + 1)),
}


@pytest.mark.parametrize(("counts", "t", "expected"), SHARES.values(), ids=SHARES)
def test_tail_share(counts: tuple[int, ...], t: float, expected: Fraction) -> None:
    assert tail_share(array(*counts), t) == expected


LANGUAGES = {
    "nearest below": ((1, 1, 2, 6), Fraction(39, 100), (2, Fraction(4, 10), Fraction(2, 10))),
    "never-matched entries are left out": ((0, 0, 5, 95), Fraction(0), (5, Fraction(5, 100), Fraction(0))),
    "a tie goes to the smaller count": ((1, 2, 7), Fraction(2, 10), (1, Fraction(1, 10), Fraction(0))),
    "unordered counts": ((6, 1, 2, 1), Fraction(4, 10), (2, Fraction(4, 10), Fraction(2, 10))),
    "share 1": ((3, 7), Fraction(1), (7, Fraction(1), Fraction(3, 10))),
    "one entry": ((5,), Fraction(6, 100), (5, Fraction(1), Fraction(0))),
    "nothing matched": ((0, 0), Fraction(6, 100), (1, Fraction(0), Fraction(0))),
    "no entries": ((), Fraction(6, 100), (1, Fraction(0), Fraction(0))),
    "a run of equal counts": ((4, 4, 4, 4, 4), Fraction(6, 10), (4, Fraction(6, 10), Fraction(0))),
    "a difference no double can see": (
        (2**60, 2**60 + 1, 2**60 + 2),
        Fraction(2 * 2**60 + 1, 3 * 2**60 + 3),
        (2**60 + 1, Fraction(2 * 2**60 + 1, 3 * 2**60 + 3), Fraction(2**60, 3 * 2**60 + 3)),
    ),
}


@pytest.mark.parametrize(("counts", "share", "expected"), LANGUAGES.values(), ids=LANGUAGES)
def test_language_threshold(counts: tuple[int, ...], share: Fraction, expected: tuple[int, Fraction, Fraction]) -> None:
    assert language_threshold(array(*counts), share) == LanguageThreshold(*expected)


@settings(max_examples=400)
@given(
    st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**52)), max_size=30),
    st.fractions(0, 1, max_denominator=200),
)
def test_language_threshold_is_the_first_nearest_of_all(counts: list[int], share: Fraction) -> None:
    ascending = sorted(count for count in counts if count)
    cumulative = [Fraction(total, sum(ascending)) for total in accumulate(ascending)]
    distances = [abs(at - share) for at in cumulative]
    result = language_threshold(array(*counts), share)
    if not ascending:
        assert result == LanguageThreshold(1, Fraction(0), Fraction(0))
        return
    nearest = distances.index(min(distances))
    assert (result.t, result.share_at) == (ascending[nearest], cumulative[nearest])
    assert result.t >= 1
    assert result.tail_share == tail_share(array(*counts), result.t)


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "no rows of the reference language": (lambda: tail_share(array(0, 0), 20_000), InputError, "Pass the tail share"),
    "t = 0": (lambda: head_tail(array(1), 0.0), ConfigError, "t = 0.0"),
    "t = inf": (lambda: tail_share(array(1), math.inf), ConfigError, "t = inf"),
    "share above 1": (lambda: language_threshold(array(1), Fraction(6)), ConfigError, "6.0 is outside"),
    "more matches than 64 bits": (
        lambda: language_threshold(array(GREATEST, 1), Fraction(1, 2)),
        InputError,
        "more than",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
