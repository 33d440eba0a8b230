"""The t that keeps a wanted number of rows: one order statistic of the pool's admission thresholds.

The thresholds stay where they are; only histograms of them come here. Positive doubles are ordered as their bit
patterns, so the search runs over keys, bit patterns less one (an edge of the size curve closes its bin), from the size
curve's bins down to single doubles. Each histogram has at most a million bins, however many rows the pool has.
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
"""So many rows in one bin, or fewer, are told apart in one step: their histogram has at most a bin for each."""

_STEP: Final = 16  # bits by which a bin of more rows is divided: 65,536 bins
_KEY_BITS: Final = 63
_MANTISSA_BITS: Final = 52


class Window(NamedTuple):
    """The thresholds whose keys begin alike: `key >> shift == prefix`."""

    prefix: int
    shift: int


EVERYTHING: Final = Window(0, _KEY_BITS)
"""The window of all finite thresholds > 0."""


class Found(NamedTuple):
    """The least t that keeps as many rows as were wanted.

    Attributes:
        t: an admission threshold of the pool.
        rows: rows kept at t; more than wanted where several rows share this threshold.
    """

    t: float
    rows: int


def histograms_needed(octave_rows: float) -> int:
    """How many histograms `min_t` asks for, without a stored curve: each is a pass over the pool.

    Args:
        octave_rows: rows whose thresholds lie between the powers of two around t, spread evenly.

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
    """Rows of a window by the leading bits of their thresholds.

    Args:
        thresholds: shape (rows,); inf (no match) and nan (no draw) are left out.
        window: others are left out too.
        shift: bits of the keys to drop, fewer than the window's own; 0 tells all doubles apart.

    Returns:
        Prefixes (keys >> shift), ascending, and the rows of each; both of shape (filled,).

    >>> histogram(np.array([1.0, 1.0, 1.5, np.inf]), EVERYTHING, 46)
    (array([65471, 65503]), array([2, 1]))
    """
    keys = np.ascontiguousarray(thresholds[np.isfinite(thresholds)], dtype=np.float64).view(np.int64) - 1
    mine = keys[keys >> window.shift == window.prefix]
    prefixes, rows = np.unique(mine >> shift, return_counts=True)
    return prefixes, rows.astype(np.int64)


def min_t(
    wanted: int,
    measure: Callable[[Window, int], tuple[NDArray[np.int64], NDArray[np.int64]]],
    curve: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Found:
    """The least t at which at least so many rows are kept: exactly so many where no two thresholds are equal.

    Args:
        wanted: rows, >= 1.
        measure: `histogram` over the pool; prefixes ascending.
        curve: bins and rows of the pool's size curve, which spare the first call.

    Raises:
        ConfigError: fewer rows can be kept at all.
        ConsistencyError: a histogram and the one before do not agree.

    >>> thresholds = np.array([3.0, 8.0, 8.0, 20.0])
    >>> min_t(1, lambda *part: histogram(thresholds, *part)), min_t(2, lambda *part: histogram(thresholds, *part))
    (Found(t=3.0, rows=1), Found(t=8.0, rows=3))
    """
    shift, below, expected = BIN_SHIFT, 0, None
    prefixes, rows = curve if curve is not None else measure(EVERYTHING, shift)
    while True:
        total = int(rows.sum())
        if expected is None and not 1 <= wanted <= total:
            raise ConfigError(
                f"{wanted} rows cannot be kept: {total} rows of the pool matched and can be drawn; ask for 1 to {total}"
            )
        if expected not in {None, total}:
            raise ConsistencyError(
                f"a bin of the size curve held {expected} rows and now holds {total}: the pool changed; run again when "
                "it is at rest"
            )
        ends = below + np.cumsum(rows)
        place = int(np.searchsorted(ends, wanted))
        prefix, expected = int(prefixes[place]), int(rows[place])
        if shift == 0:
            return Found(float(np.int64(prefix + 1).view(np.float64)), int(ends[place]))
        below = int(ends[place]) - expected
        window = Window(prefix, shift)
        shift = 0 if expected <= FINEST_ROWS else max(0, shift - _STEP)
        prefixes, rows = measure(window, shift)
