"""Estimate of the number of kept rows from entry counts alone: good enough to plan the sizes of files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def estimate_kept_rows(counts: NDArray[np.int64], matched: int, per_caption: float, t: float) -> float:
    """Estimate how many rows are kept, as if all captions had the same number of matches and all matches the same p.

    A share min(1, t / count) of an entry's matches is sampled. Over all entries this is the share a of all matches. A
    caption with m matches is then kept with probability 1 - (1 - a) ** m. On web captions the estimate is up to a third
    too high, because captions with many matches match more frequent entries.

    Args:
        counts: Shape (n_entries,), counts that balance the captions: their own, or those of another pool with about the
            same distribution.
        matched: Number of captions that match any entry.
        per_caption: Mean number of matches of such a caption, >= 1.
        t: Threshold in matches, > 0.

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
    # An entry with count 0 is balanced as if its count were 1.
    accepted = float(np.minimum(counts, t).sum()) / counted if counted else min(1.0, t)
    return matched * (1.0 - math.pow(1.0 - accepted, per_caption))
