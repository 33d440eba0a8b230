"""How long a run would take, from the passes over a sample: each kind is done once more, and timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.audit.estimate.estimate_report import Interval
from metaclip_spark.core.balancing.size_curve import BIN_SHIFT
from metaclip_spark.core.balancing.target_size import EVERYTHING
from metaclip_spark.curation.count_matches import count_matches
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.measure_thresholds import Thresholds, threshold_histogram
from metaclip_spark.spark.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.spark.shared_metadata import SharedMetadata

PASSES: Final = 2
"""Of a run whose t is given: one counts, one balances."""

_LEAST_SECONDS: Final = 1.0  # of work over the sample: below, starting tasks is all that one measures


def run_seconds(
    rows: DataFrame,
    metadata: SharedMetadata,
    counts: PoolCounts,
    *,
    share: float,
    seed: int,
    reading: float,
    choosing: int,
) -> Interval | None:
    """Seconds of a whole run; None where the sample is too small to tell.

    Args:
        rows: the sample, cached; it has been counted before, which compiled kernels and started workers.
        metadata: on the workers.
        counts: of the sample.
        share: of the pool's captions that are in the sample.
        seed: of the draw.
        reading: seconds that reading the pool's ids and captions took.
        choosing: passes that choosing t takes.
    """
    watch = Progress()
    with watch.step("count"):
        count_matches(rows, metadata)
    with watch.step("start"):
        count_matches(rows.limit(0), metadata)
    counting = watch.seconds["count"] - watch.seconds["start"]
    if counting < _LEAST_SECONDS:
        return None
    measuring = _measuring(rows, metadata, counts, seed) - watch.seconds["start"] if choosing else 0.0
    value = whole_run(reading, counting / share, max(measuring, counting) / share, choosing)
    return Interval(value, value / 2, value * 2)


def whole_run(reading: float, counting: float, measuring: float, choosing: int) -> float:
    """Seconds of a run, from those of its passes over the whole pool.

    Args:
        reading: of reading ids and captions.
        counting: of matching them.
        measuring: of matching and measuring admission thresholds.
        choosing: times that these are measured to choose t.

    >>> whole_run(10.0, 100.0, 150.0, 0), whole_run(10.0, 100.0, 150.0, 2)
    (320.0, 640.0)
    """
    # Balancing matches again, draws and writes: about twice what counting costs.
    return (PASSES + choosing) * reading + 3 * counting + choosing * measuring


def _measuring(rows: DataFrame, metadata: SharedMetadata, counts: PoolCounts, seed: int) -> float:
    watch = Progress()
    with balance_on_executors(rows.sparkSession, counts.entries, dict.fromkeys(counts.entries, 1.0), seed) as balance:
        for _ in range(2):  # the first time compiles kernels
            with watch.step("measure"):
                threshold_histogram(Thresholds(rows, metadata, balance), EVERYTHING, BIN_SHIFT)
    return watch.seconds["measure"]
