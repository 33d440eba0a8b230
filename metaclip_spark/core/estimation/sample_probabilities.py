"""Estimate of p = min(1, t / count) in the pool from entry counts in a sample of its rows.

An entry counted x times in a share s of the rows has about x / s matches in the pool, so p is about min(1, t * s / x).
This is accurate for frequent entries. For rare entries it is biased, because an entry that occurs in the sample is
counted at least once and so appears to have at least 1 / s matches. The count of a rare entry is therefore treated as
unknown: x is binomial, the distribution of counts is estimated by maximum likelihood over a grid, starting from Zipf's
law, which word counts follow, and p is its mean given x.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FREQUENT: Final = 400  # from here on, the standard deviation of x is at most 5 %, which is negligible
_GRID: Final = 300
_STEPS: Final = 10  # iterations of expectation maximisation: enough for the distribution's slope, too few to fit noise


def sample_probabilities(
    seen: NDArray[np.int64], ts: Sequence[float], share: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the expected p of entries by their count in the sample.

    Args:
        seen: int64, shape (n_entries,), number of matches in the sample.
        ts: Thresholds, in matches of the *pool*.
        share: Share of the pool's rows that are in the sample.

    Returns:
        Distinct counts, ascending, int64 of shape (counts,), and p, float64 of shape (len(ts), counts).

    >>> counts, p = sample_probabilities(np.array([1, 1, 1000, 0]), [100.0], 0.1)
    >>> counts.tolist(), p[0, 2].item(), bool(p[0, 1] > 0.9)
    ([0, 1, 1000], 0.01, True)
    """
    counts, entries = np.unique(seen, return_counts=True)
    scaled = np.asarray(ts, np.float64)[:, None] * share
    p = np.minimum(1.0, scaled / np.maximum(counts, 1))
    rare = (counts > 0) & (counts <= _FREQUENT)
    if rare.any():
        possible = np.unique(np.geomspace(1, 2 * _FREQUENT / share, _GRID).astype(np.int64))
        p[:, rare] = (
            np.minimum(1.0, np.asarray(ts)[:, None] / possible)
            @ _chances(counts[rare], entries[rare], possible, share).T
        )
    return counts, np.minimum(p, 1.0)  # rounding may exceed 1


def _chances(
    seen: NDArray[np.int64], entries: NDArray[np.int64], possible: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Return the probability of each possible count given each count in the sample; shape (seen, possible)."""
    missed = possible - seen[:, None]
    log_ways = _log_factorial(possible) - _log_factorial(seen)[:, None] - _log_factorial(np.maximum(missed, 0))
    log_binomial = log_ways + seen[:, None] * math.log(share) + missed * math.log1p(-share)
    ever_seen = -np.expm1(possible * math.log1p(-share))
    likelihood = np.where(missed >= 0, np.exp(log_binomial), 0.0) / ever_seen
    spread = ever_seen * np.diff(possible, append=2 * possible[-1]) / possible.astype(np.float64) ** 2
    for _ in range(_STEPS):
        joint = likelihood * spread
        spread = entries @ (joint / joint.sum(axis=1, keepdims=True)) / entries.sum()
    joint = likelihood * spread
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def _log_factorial(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    values, places = np.unique(numbers, return_inverse=True)
    return np.array([math.lgamma(value + 1) for value in values.tolist()])[places].reshape(numbers.shape)
