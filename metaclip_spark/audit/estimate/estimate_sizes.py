"""Estimated sizes of the kept rows at given thresholds, and the threshold for a given size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.audit.estimate.estimate_report import Interval, SizeEstimate
from metaclip_spark.audit.estimate.sample_rows import sum_probabilities
from metaclip_spark.core.estimation.sample_probabilities import sample_probabilities
from metaclip_spark.curation.choose_t import language_thresholds
from metaclip_spark.errors import ConfigError
from metaclip_spark.spark.shared_value import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metaclip_spark.audit.estimate.counted_sample import CountedSample

_DEVIATIONS: Final = 2.5  # counts and rows are of the same sample: sizes vary 1.2 times as much as rows alone would
_MODEL_ERROR: Final = 0.5  # share of the change that the model of rare entries makes
_NARROWING: Final = 3  # rounds in which the grid of t closes in on a target size


def grid(sample: CountedSample) -> list[float]:
    """Return the powers of two from 1 to a t at which every entry is in the tail."""
    highest = max(int(own.max()) for own in sample.counts.entries.values()) / sample.share
    return [2.0**power for power in range(int(np.ceil(np.log2(highest))) + 2)]


def size_of_run(sample: CountedSample, sizes: Sequence[SizeEstimate], target_rows: int | None) -> SizeEstimate:
    """Return the size at the t of the configuration, or at the t whose size is near the target.

    Args:
        sample: Counted sample.
        sizes: Sizes on the grid.
        target_rows: Target size; None if another rule sets t.

    Raises:
        ConfigError: Fewer rows match than the target.
    """
    if target_rows is None:
        t = sample.config.t
        if t is None:
            own = language_thresholds(sample.counts, sample.config, None)
            reference = sample.config.reference_language
            t = own.get(reference, next(iter(own.values()))) / sample.share
        return sizes_at(sample, [t])[0]
    largest = sizes[-1].rows.value
    if target_rows > largest:
        raise ConfigError(
            f"The target size is {target_rows} rows, but only about {largest:.0f} rows match. Pass a smaller target."
        )
    for _ in range(_NARROWING):
        place = int(np.searchsorted([size.rows.value for size in sizes], target_rows))
        high = sizes[min(place, len(sizes) - 1)].t
        low = sizes[place - 1].t if place else high / 1e3
        sizes = sizes_at(sample, np.geomspace(low, high, 12).tolist())
    return min(sizes, key=lambda size: abs(size.rows.value - target_rows))


def sizes_at(sample: CountedSample, ts: Sequence[float]) -> list[SizeEstimate]:
    """Estimate the size at each t: the sum of q over the sampled rows, scaled to the pool.

    The range adds up three errors: which rows are in the sample, which of them a seed draws, and half of the
    difference between the model of rare entries and the counts as they were seen.
    """
    modelled, squares = _sums(sample, ts, modelled=True)
    plain, _ = _sums(sample, ts, modelled=False)
    scale, sampled = 1 / sample.share, sample.counts.read
    of_sampling = scale**2 * (1 - sample.share) * np.maximum(squares - modelled**2 / sampled, 0)
    of_drawing = scale * np.maximum(modelled - squares, 0)
    errors = _DEVIATIONS * np.sqrt(of_sampling + of_drawing) + _MODEL_ERROR * scale * np.abs(modelled - plain)
    values = scale * modelled
    limit = float(sample.captions)
    return [
        SizeEstimate(t, Interval(value, max(0.0, value - error), min(limit, value + error)), t * sample.share)
        for t, value, error in zip(ts, values.tolist(), errors.tolist(), strict=True)
    ]


def _sums(
    sample: CountedSample, ts: Sequence[float], *, modelled: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of q and of q squared over the sample at each t, with p modelled or from the counts as seen."""
    tables: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for language, own in sample.counts.entries.items():
        scaled = [language_thresholds(sample.counts, sample.config, t * sample.share)[language] for t in ts]
        if modelled:
            values, p = sample_probabilities(own, [t / sample.share for t in scaled], sample.share)
        else:
            values = np.unique(own)
            p = np.minimum(1.0, np.asarray(scaled)[:, None] / np.maximum(values, 1))
        tables[language] = (np.searchsorted(values, own), p)
    shared = share(sample.rows.sparkSession, tables)
    try:
        return sum_probabilities(sample.rows, sample.metadata, shared, len(ts))
    finally:
        shared.destroy()
