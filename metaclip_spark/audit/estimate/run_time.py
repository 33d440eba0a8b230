"""Estimate of a run's duration: the passes over a sample are repeated and timed."""

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
    from metaclip_spark.audit.estimate.counted_sample import CountedSample

PASSES: Final = 2
"""Passes of a run whose t is given: one counts, one balances."""

_MIN_SECONDS: Final = 1.0  # seconds; less work on the sample than this measures only the start of tasks


def run_seconds(sample: CountedSample, *, reading: float, choosing: int) -> Interval | None:
    """Estimate the seconds of a run over the complete pool; None if the sample is too small to tell.

    Args:
        sample: Counted sample. Counting it has compiled the kernels and started the workers.
        reading: Seconds that reading the ids and captions of the pool took.
        choosing: Number of passes that choose t.
    """
    watch = Progress()
    with watch.step("count"):
        count_matches(sample.rows, sample.metadata)
    with watch.step("start"):
        count_matches(sample.rows.limit(0), sample.metadata)
    counting = watch.seconds["count"] - watch.seconds["start"]
    if counting < _MIN_SECONDS:
        return None
    measuring = _measuring(sample) - watch.seconds["start"] if choosing else 0.0
    value = complete_run(reading, counting / sample.share, max(measuring, counting) / sample.share, choosing)
    return Interval(value, value / 2, value * 2)


def complete_run(reading: float, counting: float, measuring: float, choosing: int) -> float:
    """Return the seconds of a run, from the seconds of its passes over the complete pool.

    Args:
        reading: Seconds to read the ids and captions.
        counting: Seconds to match the captions.
        measuring: Seconds to match the captions and measure their admission thresholds.
        choosing: Number of passes that measure thresholds to choose t.

    >>> complete_run(10.0, 100.0, 150.0, 0), complete_run(10.0, 100.0, 150.0, 2)
    (320.0, 640.0)
    """
    # Balancing matches again, draws and writes: about twice the time of counting.
    return (PASSES + choosing) * reading + 3 * counting + choosing * measuring


def _measuring(sample: CountedSample) -> float:
    watch, counts = Progress(), sample.counts.entries
    spark, seed = sample.rows.sparkSession, sample.config.seed
    with balance_on_executors(spark, counts, dict.fromkeys(counts, 1.0), seed) as balance:
        for _ in range(2):  # the first time compiles kernels
            with watch.step("measure"):
                threshold_histogram(Thresholds(sample.rows, sample.metadata, balance), EVERYTHING, BIN_SHIFT)
    return watch.seconds["measure"]
