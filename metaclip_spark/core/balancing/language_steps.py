"""How the thresholds of other languages follow the reference language's t: step functions that never descend.

The reference's tail share grows with its t only where t passes one of its counts, and another language's t grows with
that share. So a row of another language has one least t *of the reference* from which on it is kept, as a row of the
reference has its admission threshold: one order over the rows of all languages, nested as ever.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LanguageSteps(NamedTuple):
    """The thresholds that a language takes, and from which t of the reference language on.

    Attributes:
        own: float64, shape (steps,), thresholds of the language, ascending.
        reference: float64, shape (steps,), the least t of the reference at which each holds; the first holds from the
            least double on.
    """

    own: NDArray[np.float64]
    reference: NDArray[np.float64]

    def equivalents(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Admission thresholds in terms of the reference language's t.

        Args:
            thresholds: shape (rows,), of the language's own rows; inf and nan stay as they are.
        """
        finite = np.isfinite(thresholds)
        translated = thresholds.copy()
        translated[finite] = self.reference[np.searchsorted(self.own, thresholds[finite])]
        return translated


def language_steps(reference: NDArray[np.int64], own: NDArray[np.int64]) -> LanguageSteps:
    """The steps of `head_tail.language_threshold` at every `head_tail.tail_share` that the reference can have.

    Args:
        reference: counts of the reference language; some match.
        own: counts of the other language.

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


def _nearest(cumulative: list[int], part: int, whole: int) -> int:
    """Index of the cumulative sum nearest to part / whole of its end, in exact integers; the first of two."""
    target = part * cumulative[-1]  # in units of 1 / whole
    after = bisect_left(cumulative, -(-target // whole))
    if after > 0 and target - cumulative[after - 1] * whole <= cumulative[after] * whole - target:
        return after - 1
    return after


def _tail_shares(counts: NDArray[np.int64]) -> tuple[list[int], list[float]]:
    """Matches on the tail, ascending up to all, and the least t from which on each is the tail's."""
    values, entries = np.unique(counts[counts > 0], return_counts=True)
    matches = [0, *np.cumsum(values * entries).tolist()]
    starts = [math.nextafter(0.0, 1.0)]
    for value in values.tolist():
        t = float(value)
        starts.append(t if t > value else math.nextafter(t, math.inf))
    return matches, starts
