"""Sample of a pool with its entry counts, and the estimates for the complete pool that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.audit.estimate.estimate_report import Interval, LanguageEstimate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.spark.shared_metadata import SharedMetadata

_DEVIATIONS: Final = 2.0  # this many standard deviations on either side contain 19 of 20 values
_TOP: Final = 20


@dataclass(frozen=True)
class CountedSample:
    """A sample with its counts.

    Attributes:
        rows: Sampled rows, cached by Spark.
        counts: Counts of these rows.
        pool: Number of rows of the complete pool, and of records that cannot be read.
        without_caption: Number of rows without a caption, which are not sampled.
        metadata: Compiled metadata, shared with the executors.
        config: Configuration of the run.
    """

    rows: DataFrame
    counts: PoolCounts
    pool: PoolCounts
    without_caption: int
    metadata: SharedMetadata
    config: CurateConfig

    @property
    def captions(self) -> int:
        """Number of rows of the complete pool that can be sampled."""
        return self.pool.read - self.pool.malformed - self.without_caption

    @property
    def share(self) -> float:
        """Share of these rows that were sampled."""
        return self.counts.read / self.captions

    def rows_in_pool(self, sampled: int) -> Interval:
        """Estimate the number of rows in the pool from that in the sample (binomial, finite population)."""
        part, captions = sampled / self.counts.read, self.captions
        error = _DEVIATIONS * captions * np.sqrt((1 - self.share) * part * (1 - part) / self.counts.read)
        return Interval(part * captions, max(0.0, part * captions - error), min(captions, part * captions + error))

    def matched_rows(self) -> Interval:
        """Estimate the number of matching rows of the pool."""
        return self.rows_in_pool(sum(self.counts.matched.values()))

    def matches(self) -> Interval:
        """Estimate the number of matches of the pool.

        A caption has a few matches, so the standard deviation of their number is at most twice its mean.
        """
        value = self.counts.matches / self.share
        error = _DEVIATIONS * 2 * value * np.sqrt((1 - self.share) / self.counts.read)
        return Interval(value, value - error, value + error)

    def language(self, language: str, compiled: CompiledMetadata) -> LanguageEstimate:
        """Estimate the entry counts of one language."""
        own = self.counts.entries[language]
        matches = int(own.sum())
        top = np.lexsort((np.arange(own.size), -own))[:_TOP]
        return LanguageEstimate(
            entries_seen=int(np.count_nonzero(own)),
            unseen_share=int(np.count_nonzero(own == 1)) / matches if matches else 1.0,
            top_entries=[
                (compiled.entry(int(entry)), self.rows_in_pool(int(own[entry]))) for entry in top if own[entry]
            ],
        )
