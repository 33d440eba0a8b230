"""Size curve: number of rows that a pool keeps at each t, as a histogram of admission thresholds on a fixed grid.

A bin has one binary exponent and six mantissa bits: there are 64 bins from each power of two to the next, so
neighbouring edges are 0.8 to 1.6 % apart. Bin b has the thresholds in (upper_edge(b - 1), upper_edge(b)]. An edge
belongs to the bin below it, because a row with threshold t is kept at t; the cumulative sum is therefore exact at the
edges. The grid is the same for every pool, t and seed, so the curves of parts of a pool add up to its curve.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BIN_SHIFT: Final = 52 - 6  # a double has 52 mantissa bits
"""Number of low bits of a threshold's bit pattern that do not affect its bin."""

_BINS: Final = 0x7FF << 6  # one for every finite double


def threshold_bin(thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bins of admission thresholds.

    Positive doubles have the order of their bit patterns. The pattern is reduced by 1, so that an edge is in the bin
    below it.

    Args:
        thresholds: Shape (rows,), finite numbers > 0; inf, the threshold of a row without matches, has no bin.

    Returns:
        Shape (rows,), bin numbers; undefined for other values.

    >>> threshold_bin(np.array([1.0, 1.015625, 1.02])).tolist()  # 1.0 is an edge
    [65471, 65472, 65473]
    """
    bins: NDArray[np.int64] = (np.ascontiguousarray(thresholds, dtype=np.float64).view(np.int64) - 1) >> BIN_SHIFT
    return bins


def upper_edge(threshold_bin: int) -> float:
    """Return the greatest threshold of a bin.

    >>> upper_edge(65471)
    1.0
    """
    return float(np.int64((threshold_bin + 1) << BIN_SHIFT).view(np.float64))


def edge_at_most(t: float) -> float:
    """Return the greatest edge of the grid that is <= t.

    >>> edge_at_most(1.0), edge_at_most(20_000.0)
    (1.0, 19968.0)
    """
    return t if _is_edge(t) else upper_edge(_bin_of(t) - 1)


class SizeCurve:
    """Number of rows by bin of their admission threshold.

    Only filled bins are stored, because every task sends a curve to the driver. A pool of any size fills a few thousand
    bins of 16 bytes each.

    >>> curve = SizeCurve()
    >>> curve.add(np.array([0.5, 1.0, 1.0, 7.25, np.inf]))
    >>> curve.bins.tolist(), curve.rows.tolist(), curve.total
    ([65407, 65471, 65651], [1, 2, 1], 4)
    >>> curve.size_at(1.0)  # rows that a run at t = 1 keeps
    3
    """

    def __init__(self) -> None:
        self._bins: NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # ascending
        self._rows: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @classmethod
    def from_bins(cls, bins: ArrayLike, rows: ArrayLike) -> SizeCurve:
        """Return the curve of stored pairs of bin and rows, in any order; rows of a repeated bin are summed.

        Args:
            bins: Shape (pairs,), bin numbers.
            rows: Shape (pairs,), number of rows in each bin.

        Raises:
            InputError: A bin number is outside the grid.
        """
        curve = cls()
        numbers = np.asarray(bins, dtype=np.int64)
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < _BINS):
            raise InputError(
                f"Bins of a size curve run from {numbers.min()} to {numbers.max()}, outside 0 <= bin < {_BINS}."
            )
        curve._add(numbers, np.asarray(rows, dtype=np.int64))
        return curve

    @property
    def bins(self) -> NDArray[np.int64]:
        """Numbers of the filled bins, ascending; shape (filled bins,)."""
        return self._bins

    @property
    def rows(self) -> NDArray[np.int64]:
        """Number of rows in each of `bins`; shape (filled bins,)."""
        return self._rows

    @property
    def total(self) -> int:
        """Number of rows in all bins: the matched rows with a draw."""
        return int(self._rows.sum())

    def add(self, thresholds: NDArray[np.float64]) -> None:
        """Add a batch of admission thresholds.

        Args:
            thresholds: Shape (rows,); inf (no match) and nan (no draw) are left out.

        Raises:
            InputError: A threshold is zero or negative.
        """
        finite = thresholds[np.isfinite(thresholds)]
        if not finite.size:
            return
        if finite.min() <= 0:
            raise InputError(
                f"The admission threshold {finite.min()} is not > 0, so it does not come from a draw in (0, 1)."
            )
        bins = threshold_bin(finite)
        first = int(bins.min())
        rows = np.bincount(bins - first)
        filled = np.flatnonzero(rows)
        self._add(filled + first, rows[filled])

    def merge(self, other: SizeCurve) -> SizeCurve:
        """Return the curve of both pools together, as a new object."""
        merged = SizeCurve()
        merged._add(self._bins, self._rows)
        merged._add(other._bins, other._rows)
        return merged

    def up_to(self, edge: float) -> SizeCurve:
        """Return the part of the curve up to an edge, as a new object.

        >>> curve = SizeCurve.from_bins([65471, 65472], [3, 1])  # 1.0 is the upper edge of the first bin
        >>> curve.up_to(1.0).total
        3
        """
        part = SizeCurve()
        known = self._bins <= _bin_of(edge)
        part._add(self._bins[known], self._rows[known])
        return part

    def size_at(self, edge: float) -> int:
        """Return the exact number of rows that a run with t = `edge` keeps.

        Args:
            edge: Upper edge of a bin, that is 2**e * (1 + m / 64) with m from 0 to 63 (20000 is not an edge).

        Raises:
            ConfigError: `edge` is not an edge. `size_bounds` returns bounds for any t.
        """
        low, high = self.size_bounds(edge)
        if not _is_edge(edge):
            raise ConfigError(
                f"t = {edge} lies inside a bin of the size curve, where between {low} and {high} rows are kept. The "
                f"exact size is known at {upper_edge(_bin_of(edge) - 1)} and {upper_edge(_bin_of(edge))}."
            )
        return high

    def size_bounds(self, t: float) -> tuple[int, int]:
        """Return the minimum and maximum number of rows that a run with this t may keep; equal at the edges.

        Args:
            t: Threshold in matches, any finite number > 0.

        Raises:
            ConfigError: t is not a finite number > 0.
        """
        if not (math.isfinite(t) and t > 0):
            raise ConfigError(f"The threshold t = {t} is not a finite number > 0. Pass a number of matches.")
        own_bin = _bin_of(t)
        low = int(self._rows[self._bins < own_bin].sum())
        high = int(self._rows[self._bins <= own_bin].sum())
        return (high, high) if _is_edge(t) else (low, high)

    def target_size(self, rows: int) -> int:
        """Return the first bin at whose upper edge at least `rows` rows are kept; it contains the t that keeps `rows`.

        Args:
            rows: Target size, 1 <= rows <= total.

        Raises:
            ConfigError: The pool has fewer matched rows, or `rows` is not positive.
        """
        if not 1 <= rows <= self.total:
            raise ConfigError(
                f"The target size of {rows} rows is outside 1 to {self.total}, the number of matched rows."
            )
        return int(self._bins[np.searchsorted(np.cumsum(self._rows), rows)])

    def _add(self, bins: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Add rows to bins, in any order; rows of a repeated bin are summed."""
        filled, places = np.unique(np.concatenate([self._bins, bins]), return_inverse=True)
        summed = np.zeros(filled.size, dtype=np.int64)
        np.add.at(summed, places, np.concatenate([self._rows, rows]))
        self._bins, self._rows = filled[summed > 0], summed[summed > 0]


def _bin_of(t: float) -> int:
    return int(threshold_bin(np.array([t]))[0])


def _is_edge(t: float) -> bool:
    return upper_edge(_bin_of(t)) == t
