"""About how many rows a threshold keeps, from entry counts alone: good enough to lay out files, no promise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def estimate_kept_rows(counts: NDArray[np.int64], matched: int, per_caption: float, t: float) -> float:
    """Rows kept if every match were accepted equally often, and every caption had as many matches.

    An entry accepts min(1, t / count) of its matches, all entries together the share a of all matches; a caption of m
    matches is then kept with probability 1 - (1 - a) ** m. On web captions that is up to a third more than are kept:
    captions with many matches have more of the frequent ones.

    Args:
        counts: shape (n_entries,), that balance the captions: their own, or those of another pool with about the same
            distribution.
        matched: captions that match any.
        per_caption: matches of such a caption in the mean, >= 1.
        t: the threshold, in matches, > 0.

    Returns:
        A number of rows in [0, matched].

    >>> round(estimate_kept_rows(np.array([10, 90]), matched=100, per_caption=1, t=10))
    20
    >>> round(estimate_kept_rows(np.array([1_000, 9_000]), matched=100, per_caption=1, t=1_000))
    20
    >>> estimate_kept_rows(np.array([0, 0]), matched=0, per_caption=1, t=10)
    0.0
    """
    if matched == 0:
        return 0.0
    counted = int(counts.sum())
    # An entry without a count counts as 1.
    accepted = float(np.minimum(counts, t).sum()) / counted if counted else min(1.0, t)
    return matched * (1.0 - math.pow(1.0 - accepted, per_caption))
