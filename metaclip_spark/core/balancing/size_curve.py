"""The size curve: how many rows a pool keeps at each t, as a histogram of admission thresholds on a fixed grid.

A bin is one binary exponent with six mantissa bits: 64 bins from each power of two to the next, so that neighbouring
edges lie 0.8 to 1.6 % apart. Bin b holds the thresholds in (upper_edge(b - 1), upper_edge(b)]: an edge belongs to the
bin below it, as a row with threshold t is kept at t. At the edges the cumulative sum is therefore exact. The grid is
the same for every pool, t and seed, so curves of parts add up to the curve of the whole.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BIN_SHIFT: Final = 52 - 6  # a double has 52 mantissa bits
"""Low bits of a threshold's bit pattern that its bin does not tell."""

_BINS: Final = 0x7FF << 6  # one for every finite double


def threshold_bin(thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bins of admission thresholds.

    Positive doubles are ordered as their bit patterns are; one is taken off, so that an edge falls into the bin it
    closes.

    Args:
        thresholds: shape (rows,), finite numbers > 0 (inf, a row without matches, belongs to no bin).

    Returns:
        shape (rows,), bin numbers; meaningless for values outside the domain.

    >>> threshold_bin(np.array([1.0, 1.015625, 1.02])).tolist()  # 1 ends a bin
    [65471, 65472, 65473]
    """
    bins: NDArray[np.int64] = (np.ascontiguousarray(thresholds, dtype=np.float64).view(np.int64) - 1) >> BIN_SHIFT
    return bins


def upper_edge(threshold_bin: int) -> float:
    """The greatest threshold in a bin.

    >>> upper_edge(65471)
    1.0
    """
    return float(np.int64((threshold_bin + 1) << BIN_SHIFT).view(np.float64))


def edge_at_most(t: float) -> float:
    """The greatest edge of the grid that is not above t.

    >>> edge_at_most(1.0), edge_at_most(20_000.0)
    (1.0, 19968.0)
    """
    return t if _is_edge(t) else upper_edge(_bin_of(t) - 1)


class SizeCurve:
    """Rows by bin of their admission threshold: filled bins only, as every task of a run sends one to the driver.

    A pool fills some thousand bins, 16 bytes each, however large it is.

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
        """The curve of stored pairs of bin and rows, in any order; a bin that comes twice is summed.

        Args:
            bins: shape (pairs,), bin numbers.
            rows: shape (pairs,), rows in each.

        Raises:
            InputError: a bin is none of the grid's.
        """
        curve = cls()
        numbers = np.asarray(bins, dtype=np.int64)
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < _BINS):
            raise InputError(f"size curve bins run from {numbers.min()} to {numbers.max()}, outside 0 <= bin < {_BINS}")
        curve._add(numbers, np.asarray(rows, dtype=np.int64))
        return curve

    @property
    def bins(self) -> NDArray[np.int64]:
        """Shape (filled bins,), ascending."""
        return self._bins

    @property
    def rows(self) -> NDArray[np.int64]:
        """Shape (filled bins,), the rows in each of `bins`."""
        return self._rows

    @property
    def total(self) -> int:
        """Rows of all bins: every row that matched and was drawn."""
        return int(self._rows.sum())

    def add(self, thresholds: NDArray[np.float64]) -> None:
        """Count a batch of admission thresholds.

        Args:
            thresholds: shape (rows,); inf (no match) and nan (no draw) are left out.

        Raises:
            InputError: a threshold is zero or negative.
        """
        finite = thresholds[np.isfinite(thresholds)]
        if not finite.size:
            return
        if finite.min() <= 0:
            raise InputError(f"admission threshold {finite.min()} is not > 0: no draw in (0, 1) gives it")
        bins = threshold_bin(finite)
        first = int(bins.min())
        rows = np.bincount(bins - first)
        filled = np.flatnonzero(rows)
        self._add(filled + first, rows[filled])

    def merge(self, other: SizeCurve) -> SizeCurve:
        """The curve of both pools together, as a new one."""
        merged = SizeCurve()
        merged._add(self._bins, self._rows)
        merged._add(other._bins, other._rows)
        return merged

    def up_to(self, edge: float) -> SizeCurve:
        """The part of the curve that ends at an edge, as a new one: what is known where rows above it are not.

        >>> curve = SizeCurve.from_bins([65471, 65472], [3, 1])  # 1.0 ends the first
        >>> curve.up_to(1.0).total
        3
        """
        part = SizeCurve()
        known = self._bins <= _bin_of(edge)
        part._add(self._bins[known], self._rows[known])
        return part

    def size_at(self, edge: float) -> int:
        """Rows that a run with t = `edge` keeps, exactly.

        Args:
            edge: the upper edge of some bin, that is 2**e * (1 + m / 64) with m from 0 to 63 (20000 is none).

        Raises:
            ConfigError: `edge` is no edge; `size_bounds` brackets the size at any t.
        """
        low, high = self.size_bounds(edge)
        if not _is_edge(edge):
            raise ConfigError(
                f"t = {edge} lies inside a bin of the size curve, where between {low} and {high} rows are kept: ask at "
                f"{upper_edge(_bin_of(edge) - 1)} or {upper_edge(_bin_of(edge))}"
            )
        return high

    def size_bounds(self, t: float) -> tuple[int, int]:
        """Least and greatest number of rows that a run with this t may keep; equal at the edges.

        Args:
            t: any finite number > 0.

        Raises:
            ConfigError: t is not a finite number > 0.
        """
        if not (math.isfinite(t) and t > 0):
            raise ConfigError(f"t = {t} is on no size curve: pass a finite number of matches > 0")
        own_bin = _bin_of(t)
        low = int(self._rows[self._bins < own_bin].sum())
        high = int(self._rows[self._bins <= own_bin].sum())
        return (high, high) if _is_edge(t) else (low, high)

    def target_size(self, rows: int) -> int:
        """The least bin at whose upper edge at least `rows` rows are kept; the t that keeps exactly so many lies in it.

        Args:
            rows: the size wanted, 1 <= rows <= total.

        Returns:
            The bin number: rows with thresholds in (upper_edge(bin - 1), upper_edge(bin)] settle the rest.

        Raises:
            ConfigError: the pool has fewer rows that matched, or `rows` is not positive.
        """
        if not 1 <= rows <= self.total:
            raise ConfigError(f"{rows} rows cannot be kept of {self.total} that matched: ask for 1 to {self.total}")
        return int(self._bins[np.searchsorted(np.cumsum(self._rows), rows)])

    def _add(self, bins: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Add rows to bins, given in any order; a bin that comes twice is summed."""
        filled, places = np.unique(np.concatenate([self._bins, bins]), return_inverse=True)
        summed = np.zeros(filled.size, dtype=np.int64)
        np.add.at(summed, places, np.concatenate([self._rows, rows]))
        self._bins, self._rows = filled[summed > 0], summed[summed > 0]


def _bin_of(t: float) -> int:
    return int(threshold_bin(np.array([t]))[0])


def _is_edge(t: float) -> bool:
    return upper_edge(_bin_of(t)) == t
