"""Search for the t that keeps a target number of rows: one order statistic of the pool's admission thresholds.

The thresholds stay on the executors; only histograms of them are read. Positive doubles have the order of their bit
patterns, so the search runs over keys: bit patterns reduced by 1, because an edge of the size curve is in the bin below
it. It narrows from the bins of the size curve down to single doubles. Each histogram has at most a million bins,
whatever the size of the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.balancing.size_curve import BIN_SHIFT
from metaclip_spark.errors import ConfigError, ConsistencyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FINEST_ROWS: Final = 1_000_000
"""A bin with at most this many rows is resolved in one step: its histogram has at most one bin per row."""

_STEP: Final = 16  # bits by which a bin with more rows is divided: 65,536 bins
_KEY_BITS: Final = 63
_MANTISSA_BITS: Final = 52


class Window(NamedTuple):
    """Range of thresholds whose keys have the same leading bits: `key >> shift == prefix`."""

    prefix: int
    shift: int


EVERYTHING: Final = Window(0, _KEY_BITS)
"""Window of all finite thresholds > 0."""


class Found(NamedTuple):
    """Smallest t that keeps at least the target number of rows.

    Attributes:
        t: An admission threshold of the pool.
        rows: Number of rows kept at t; more than the target if several rows have this threshold.
    """

    t: float
    rows: int


def histograms_needed(octave_rows: float) -> int:
    """Return how many histograms `min_t` needs without a stored curve; each is a pass over the pool.

    Args:
        octave_rows: Number of rows whose thresholds lie between the powers of two around t; assumed evenly spread.

    >>> histograms_needed(40_000), histograms_needed(2e9)
    (2, 3)
    """
    shift, rows, number = BIN_SHIFT, octave_rows / 2 ** (_MANTISSA_BITS - BIN_SHIFT), 1
    while shift:
        step = shift if rows <= FINEST_ROWS else min(shift, _STEP)
        shift, rows, number = shift - step, rows / 2**step, number + 1
    return number


def histogram(
    thresholds: NDArray[np.float64], window: Window, shift: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the rows of a window by the leading bits of their thresholds.

    Args:
        thresholds: Shape (rows,); inf (no match) and nan (no draw) are left out.
        window: Range of thresholds to count.
        shift: Number of low bits of the keys to drop, fewer than the window's; with 0, each double has its own bin.

    Returns:
        Prefixes (keys >> shift), ascending, and the number of rows of each; both of shape (filled,).

    >>> histogram(np.array([1.0, 1.0, 1.5, np.inf]), EVERYTHING, 46)
    (array([65471, 65503]), array([2, 1]))
    """
    keys = np.ascontiguousarray(thresholds[np.isfinite(thresholds)], dtype=np.float64).view(np.int64) - 1
    in_window = keys[keys >> window.shift == window.prefix]
    prefixes, rows = np.unique(in_window >> shift, return_counts=True)
    return prefixes, rows.astype(np.int64)


def min_t(
    target: int,
    measure: Callable[[Window, int], tuple[NDArray[np.int64], NDArray[np.int64]]],
    curve: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Found:
    """Return the smallest t at which at least a target number of rows is kept.

    Args:
        target: Number of rows to keep, >= 1; exactly as many are kept unless several rows have the threshold t.
        measure: Returns `histogram` of the pool for a window and a shift.
        curve: Bins and rows of the pool's size curve, which save the first call of `measure`.

    Raises:
        ConfigError: The pool has fewer rows that can be kept.
        ConsistencyError: A histogram contradicts the previous one.

    >>> thresholds = np.array([3.0, 8.0, 8.0, 20.0])
    >>> min_t(1, lambda *part: histogram(thresholds, *part)), min_t(2, lambda *part: histogram(thresholds, *part))
    (Found(t=3.0, rows=1), Found(t=8.0, rows=3))
    """
    shift, below, expected = BIN_SHIFT, 0, None
    prefixes, rows = curve if curve is not None else measure(EVERYTHING, shift)
    while True:
        total = int(rows.sum())
        if expected is None and not 1 <= target <= total:
            raise ConfigError(
                f"The target size of {target} rows is outside 1 to {total}, the number of matched rows with a uid."
            )
        if expected not in {None, total}:
            raise ConsistencyError(
                f"A bin of the size curve had {expected} rows and now has {total}: the pool changed during the run. "
                "Run again when nothing writes to the pool."
            )
        ends = below + np.cumsum(rows)
        place = int(np.searchsorted(ends, target))
        prefix, expected = int(prefixes[place]), int(rows[place])
        if shift == 0:
            return Found(float(np.int64(prefix + 1).view(np.float64)), int(ends[place]))
        below = int(ends[place]) - expected
        window = Window(prefix, shift)
        shift = 0 if expected <= FINEST_ROWS else max(0, shift - _STEP)
        prefixes, rows = measure(window, shift)
