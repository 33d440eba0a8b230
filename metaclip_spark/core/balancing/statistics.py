"""Statistics of the second pass: expected size, realised size, and size at any other t.

All sums are sums of integers, so they do not depend on partitioning, order or the number of executors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.balancing.size_curve import SizeCurve
from metaclip_spark.core.fixed_point import as_rows, sum_probability, sum_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class LanguageStatistics:
    """Statistics of the matched rows of one language.

    Attributes:
        matched: Number of matched rows.
        no_identity: Number of matched rows without a uid, which have no draw.
        kept: Number of rows with `admission_threshold <= t`.
        probability: Sum of q over the rows with a draw, in fixed point (`core.fixed_point`).
        variance: Sum of q(1 - q), in fixed point.
        curve: Histogram of the admission thresholds of the rows with a draw.
    """

    matched: int = 0
    no_identity: int = 0
    kept: int = 0
    probability: int = 0
    variance: int = 0
    curve: SizeCurve = field(default_factory=SizeCurve)

    def add(self, probability: NDArray[np.float64], threshold: NDArray[np.float64], t: float) -> None:
        """Add a batch of rows.

        Args:
            probability: float64, shape (rows,), q(t); 0 for an unmatched row.
            threshold: float64, shape (rows,), admission threshold; inf for an unmatched row, nan for a matched row
                without a draw.
            t: Threshold of this language.
        """
        lost = np.isnan(threshold)
        drawn = np.isfinite(threshold)
        self.no_identity += int(np.count_nonzero(lost))
        self.matched += int(np.count_nonzero(lost | drawn))
        self.kept += int(np.count_nonzero(threshold <= t))
        self.probability += sum_probability(probability[drawn])
        self.variance += sum_variance(probability[drawn])
        self.curve.add(threshold)

    def merge(self, other: LanguageStatistics) -> LanguageStatistics:
        """Return the statistics of both together."""
        return LanguageStatistics(
            matched=self.matched + other.matched,
            no_identity=self.no_identity + other.no_identity,
            kept=self.kept + other.kept,
            probability=self.probability + other.probability,
            variance=self.variance + other.variance,
            curve=self.curve.merge(other.curve),
        )


class BalanceStatistics:
    """Statistics by language; their size does not depend on the size of the pool.

    >>> figures = BalanceStatistics()
    >>> figures.add("en", np.array([1.0, 0.25, 0.0]), np.array([3.0, 40.0, np.inf]), t=10.0)
    >>> both = figures.merge(figures)
    >>> both.kept, both.expected_size, both["en"].matched
    (2, 2.5, 4)
    """

    def __init__(self) -> None:
        self._by_language: dict[str, LanguageStatistics] = {}

    def __getitem__(self, language: str) -> LanguageStatistics:
        return self._by_language.get(language) or LanguageStatistics()

    def add(self, language: str, probability: NDArray[np.float64], threshold: NDArray[np.float64], t: float) -> None:
        """Add a batch of rows of one language; see `LanguageStatistics.add`."""
        self._by_language.setdefault(language, LanguageStatistics()).add(probability, threshold, t)

    def merge(self, other: BalanceStatistics) -> BalanceStatistics:
        """Return the statistics of both together, as a new object."""
        merged = BalanceStatistics()
        for language in sorted(self._by_language.keys() | other._by_language.keys()):
            merged._by_language[language] = self[language].merge(other[language])
        return merged

    @property
    def kept(self) -> int:
        """Number of kept rows over all languages."""
        return sum(figures.kept for figures in self._by_language.values())

    @property
    def matched(self) -> int:
        """Number of matched rows over all languages."""
        return sum(figures.matched for figures in self._by_language.values())

    @property
    def no_identity(self) -> int:
        """Number of matched rows without a uid over all languages."""
        return sum(figures.no_identity for figures in self._by_language.values())

    @property
    def expected_size(self) -> float:
        """Expected number of kept rows, E[N](t) = sum of q(t)."""
        return as_rows(sum(figures.probability for figures in self._by_language.values()))

    @property
    def expected_deviation(self) -> float:
        """Standard deviation of the number of kept rows: the square root of the sum of q(1 - q)."""
        return math.sqrt(as_rows(sum(figures.variance for figures in self._by_language.values())))
