"""About how many rows a threshold keeps, from entry counts alone: good enough to lay out files, no promise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def about_rows_kept(counts: NDArray[np.int64], matched: int, t: float) -> float:
    """Rows kept if every match were accepted equally often, and every caption had as many matches.

    An entry accepts min(1, t / count) of its matches, all entries together the share a of all matches; a caption of m
    matches is then kept with probability 1 - (1 - a) ** m. On web captions that is up to a third more than are kept:
    captions with many matches have more of the frequent ones.

    Args:
        counts: shape (n_entries,), captions that matched each entry.
        matched: captions that match any.
        t: the threshold, in matches, > 0.

    Returns:
        A number of rows in [0, matched].

    >>> round(about_rows_kept(np.array([10, 90]), matched=100, t=10))
    20
    >>> about_rows_kept(np.array([0, 0]), matched=0, t=10)
    0.0
    """
    matches = int(counts.sum())
    if matches == 0 or matched == 0:
        return 0.0
    accepted = float(np.minimum(counts, t).sum()) / matches
    return matched * (1.0 - math.pow(1.0 - accepted, matches / matched))
