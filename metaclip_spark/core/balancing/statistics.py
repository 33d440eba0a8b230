"""What the second pass learns: the size that was expected, the size that was drawn, and the size at any other t.

All sums are of integers, so that no partitioning, order or number of executors changes a digit.
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
    """Figures of one language's matched rows.

    Attributes:
        matched: matched rows that were seen.
        no_identity: of them, rows without a uid: they cannot be drawn.
        kept: rows with `admission_threshold <= t`.
        probability: sum of q over the drawn rows, fixed point (`core.fixed_point`).
        variance: sum of q(1 - q), fixed point.
        curve: histogram of the drawn rows' admission thresholds.
    """

    matched: int = 0
    no_identity: int = 0
    kept: int = 0
    probability: int = 0
    variance: int = 0
    curve: SizeCurve = field(default_factory=SizeCurve)

    def add(self, probability: NDArray[np.float64], threshold: NDArray[np.float64], t: float) -> None:
        """Count a batch.

        Args:
            probability: float64, shape (rows,), q(t); 0 for an unmatched row.
            threshold: float64, shape (rows,); inf for an unmatched row, nan for a matched one without a draw.
            t: the threshold of this language.
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
        """The figures of both."""
        return LanguageStatistics(
            matched=self.matched + other.matched,
            no_identity=self.no_identity + other.no_identity,
            kept=self.kept + other.kept,
            probability=self.probability + other.probability,
            variance=self.variance + other.variance,
            curve=self.curve.merge(other.curve),
        )


class BalanceStatistics:
    """Figures by language; small, whatever the pool.

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
        """Count a batch of one language; see `LanguageStatistics.add`."""
        self._by_language.setdefault(language, LanguageStatistics()).add(probability, threshold, t)

    def merge(self, other: BalanceStatistics) -> BalanceStatistics:
        """The figures of both, as new ones."""
        merged = BalanceStatistics()
        for language in sorted(self._by_language.keys() | other._by_language.keys()):
            merged._by_language[language] = self[language].merge(other[language])
        return merged

    @property
    def kept(self) -> int:
        """Rows kept, all languages."""
        return sum(figures.kept for figures in self._by_language.values())

    @property
    def matched(self) -> int:
        """Matched rows seen, all languages."""
        return sum(figures.matched for figures in self._by_language.values())

    @property
    def no_identity(self) -> int:
        """Matched rows without a uid, all languages."""
        return sum(figures.no_identity for figures in self._by_language.values())

    @property
    def expected_size(self) -> float:
        """E[N](t) = sum of q(t), in rows."""
        return as_rows(sum(figures.probability for figures in self._by_language.values()))

    @property
    def expected_deviation(self) -> float:
        """Standard deviation of the realised size, sqrt of the sum of q(1 - q), in rows."""
        return math.sqrt(as_rows(sum(figures.variance for figures in self._by_language.values())))
