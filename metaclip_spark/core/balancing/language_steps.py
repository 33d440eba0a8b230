"""Thresholds of other languages as ascending step functions of the reference language's t.

The tail share of the reference language grows with its t only where t passes one of its counts, and the t of another
language grows with that share. Each row of another language therefore has a smallest t *of the reference language* at
which it is kept, just as a row of the reference language has its admission threshold. This orders the rows of all
languages, and the rows kept at a smaller t are a subset of those kept at a greater one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LanguageSteps(NamedTuple):
    """Thresholds that a language can have, each with the t of the reference language from which it applies.

    Attributes:
        own: float64, shape (steps,), thresholds of the language, ascending.
        reference: float64, shape (steps,), smallest t of the reference language at which each applies; the smallest
            positive double for the first.
    """

    own: NDArray[np.float64]
    reference: NDArray[np.float64]

    def equivalents(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return admission thresholds in terms of the reference language's t.

        Args:
            thresholds: Shape (rows,), admission thresholds of the language's rows; inf and nan are returned unchanged.
        """
        finite = np.isfinite(thresholds)
        translated = thresholds.copy()
        translated[finite] = self.reference[np.searchsorted(self.own, thresholds[finite])]
        return translated


def language_steps(reference: NDArray[np.int64], own: NDArray[np.int64]) -> LanguageSteps:
    """Return `head_tail.language_threshold` at every tail share that the reference language can have.

    Args:
        reference: Counts of the reference language, not all 0.
        own: Counts of the other language.

    >>> steps = language_steps(np.array([10, 20, 70]), np.array([1, 2, 3, 4]))
    >>> steps.own.tolist(), steps.reference.tolist()
    ([1.0, 2.0, 4.0], [5e-324, 20.000000000000004, 70.00000000000001])
    """
    shares, reached = _tail_shares(reference)
    ascending = np.sort(own[own > 0])
    if not ascending.size:
        return LanguageSteps(np.array([1.0]), np.array([reached[0]]))
    cumulative: list[int] = np.cumsum(ascending).tolist()
    thresholds: list[int] = []
    starts: list[float] = []
    for share, start in zip(shares, reached, strict=True):
        t = int(ascending[_nearest(cumulative, share, shares[-1])])
        if not thresholds or t > thresholds[-1]:
            thresholds.append(t)
            starts.append(start)
    return LanguageSteps(np.array(thresholds, np.float64), np.array(starts))


def _nearest(cumulative: list[int], part: int, total: int) -> int:
    """Return the index of the cumulative sum nearest to part / total of the last one, exactly; of two, the first."""
    target = part * cumulative[-1]  # in units of 1 / total
    after = bisect_left(cumulative, -(-target // total))
    if after > 0 and target - cumulative[after - 1] * total <= cumulative[after] * total - target:
        return after - 1
    return after


def _tail_shares(counts: NDArray[np.int64]) -> tuple[list[int], list[float]]:
    """Return the possible numbers of tail matches, ascending, and the smallest t at which the tail has each."""
    values, entries = np.unique(counts[counts > 0], return_counts=True)
    matches = [0, *np.cumsum(values * entries).tolist()]
    starts = [math.nextafter(0.0, 1.0)]
    for value in values.tolist():
        t = float(value)
        starts.append(t if t > value else math.nextafter(t, math.inf))
    return matches, starts
