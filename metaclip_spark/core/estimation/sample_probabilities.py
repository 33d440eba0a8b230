"""What a sample's counts say of the pool's probabilities: p = min(1, t / count) of entries counted in a share of rows.

An entry seen x times in a share s of the rows has about x / s matches in the pool, so that t acts on the sample as
t * s. For a frequent entry that is all. For a rare one it is wrong: whoever is seen at all is seen at least once, and
would seem to have 1 / s matches. So its count is taken as unknown: x is binomial, the counts spread as the seen ones
say (maximum likelihood over a grid, from a Zipf's law on, as word counts follow it), and p is the mean over what is
possible given x.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FREQUENT: Final = 400  # from here on the spread of x, 5 %, no longer matters
_GRID: Final = 300
_STEPS: Final = 10  # of expectation maximisation: enough to find the slope of the law, too few to follow noise


def sample_probabilities(
    seen: NDArray[np.int64], ts: Sequence[float], share: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Expected p of entries by the number of times that they were seen.

    Args:
        seen: int64, shape (n_entries,), matches in the sample.
        ts: thresholds, in matches of the *pool*.
        share: of the rows in the sample.

    Returns:
        The different counts, ascending, int64 of shape (counts,), and float64 of shape (len(ts), counts).

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
    return counts, np.minimum(p, 1.0)  # rounding may lead past 1


def _chances(
    seen: NDArray[np.int64], entries: NDArray[np.int64], possible: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    """Chance of each possible count given each number seen; shape (seen, possible)."""
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
