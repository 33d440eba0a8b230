"""An estimate: count and balance a share of the rows, write nothing, and say what a run over all rows would give."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import Observation

from metaclip_spark.audit.estimate.estimate_report import EstimateReport, Interval, LanguageEstimate, SizeEstimate
from metaclip_spark.audit.estimate.run_time import PASSES, run_seconds
from metaclip_spark.audit.estimate.sample_rows import has_caption, sample_rows, sum_probabilities
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing.target_size import histograms_needed
from metaclip_spark.core.estimation.sample_probabilities import sample_probabilities
from metaclip_spark.curation.choose_t import language_thresholds
from metaclip_spark.curation.count_matches import count_matches
from metaclip_spark.curation.count_pool import count_records, malformed_warning
from metaclip_spark.curation.metadata_checks import metadata_for_pool
from metaclip_spark.errors import ConfigError, InputError, MetaclipSparkWarning
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress
from metaclip_spark.spark.session import check_session
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.spark.shared_value import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_DEVIATIONS: Final = 2.0  # a range of so many on either side holds 19 of 20
_SIZE_DEVIATIONS: Final = 2.5  # the counts are of the same sample: sizes spread by 1.2 times what rows alone would give
_MODEL_ERROR: Final = 0.5  # of what the model of rare entries changes
_TOP: Final = 20
_LEAST_ROWS: Final = 100
_NARROWING: Final = 3  # rounds in which the grid of t closes in on a wanted size
_FEATURES: Final = 24.0  # bytes a row of the curated table's doubles, which do not compress
_ID_BYTES: Final = 3.0  # of a matched entry's id


@dataclass(frozen=True)
class _Sample:
    """A sample that was counted.

    Attributes:
        rows: kept in Spark's cache.
        counts: of these rows.
        pool: rows of the whole pool, and records that are none.
        without_caption: rows that are not sampled, but counted.
        metadata: on the workers.
        config: of the run.
    """

    rows: DataFrame
    counts: PoolCounts
    pool: PoolCounts
    without_caption: int
    metadata: SharedMetadata
    config: CurateConfig

    @property
    def captions(self) -> int:
        """Rows of the whole pool that can be sampled."""
        return self.pool.read - self.pool.malformed - self.without_caption

    @property
    def share(self) -> float:
        """Share of these that were in fact sampled."""
        return self.counts.read / self.captions


def estimate(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    share: float,
    config: CurateConfig | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> EstimateReport:
    """Estimate from a share of the rows what `curate` with the same arguments would give; nothing is written.

    The sample follows from the rows' uids and the seed: the same rows every time, and a greater share holds the
    smaller one. Rows without a caption are counted instead. The pool's ids and captions are read once.

    Args:
        spark: a session with Delta.
        pool: where the captions are.
        metadata: the compiled entry list, or one by language.
        share: of the rows with a caption, in (0, 1).
        config: how to balance.
        progress: receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: as `curate`.
        ConfigError: the share is none, or one text per image is asked for.
        InputError: fewer than 100 rows are in the sample, or none of them matches.
    """
    config = config or CurateConfig()
    _refuse_unfit(share, config)
    check_session(spark)
    timer, seen = Progress(progress, spark, "sample"), Observation()
    with timer.step("open"), translated_job_errors():
        opened = open_pool(spark, pool)
        pool = opened.pool
        languages = metadata_for_pool(metadata, pool, config)
        found = count_records(opened, pool)
        read = found.read - found.malformed
        warned = list(opened.source.warnings)
        if (warning := malformed_warning(opened, found, pool)) is not None:
            warnings.warn(warning, MetaclipSparkWarning, stacklevel=2)
            warned.append(warning)
    with (
        SharedMetadata(spark, languages) as shared,
        translated_job_errors(),
        _cached(sample_rows(opened.rows, share, config.seed, seen)) as rows,
    ):
        with timer.step("sample"):
            sampled = rows.count()
            timer.note(f"{sampled:,} of {read:,} rows,")
            without = _without_caption(opened.rows, seen, read)
            _refuse_few(sampled, read - without, share)
        with timer.step("count"):
            sample = _Sample(rows, count_matches(rows, shared), found, without, shared, config)
            if not sample.counts.matches:
                raise InputError(f"none of {sampled} sampled rows matches any entry: check columns and metadata")
        with timer.step("balance"):
            wanted = _wanted(sample)
            sizes = _sizes(sample, _grid(sample))
            asked = _asked(sample, sizes, wanted)
            choosing = 0 if wanted is None else histograms_needed(_octave_rows(sizes, asked.t))
        with timer.step("time"):
            seconds = run_seconds(
                rows, shared, sample.counts, share=sample.share, seed=config.seed, choosing=choosing,
                reading=timer.seconds["sample"],
            )  # fmt: skip
    return EstimateReport(
        share=share,
        seed=config.seed,
        read=found.read,
        malformed=found.malformed,
        without_caption=without,
        sampled=sampled,
        matched=_scaled(sum(sample.counts.matched.values()), sample),
        matches=_matches(sample),
        languages={language: _language(sample, language, languages[language]) for language in languages},
        asked=asked,
        wanted=wanted,
        sizes=sizes,
        passes=PASSES + choosing,
        seconds=seconds,
        bytes=_bytes(sample, asked, opened.source.bytes),
        took=timer.seconds,
        warnings=warned,
    )


def _refuse_unfit(share: float, config: CurateConfig) -> None:
    if not 0 < share < 1:
        raise ConfigError(f"share = {share!r} is no share of the rows: pass a number above 0 and below 1")
    if config.texts_per_image == "one_text_per_image":
        raise ConfigError(
            "a sample of rows has not all texts of an image, so one_text_per_image cannot be estimated: sample with "
            "all_pairs, whose size is an upper bound"
        )
    if config.counts is not None:
        raise ConfigError(
            f"counts = {config.counts!r} are frozen, but a sample is scaled up by its own counts: sample without them, "
            "for an estimate with the counts of this pool"
        )


@contextmanager
def _cached(rows: DataFrame) -> Iterator[DataFrame]:
    kept = rows.persist()
    try:
        yield kept
    finally:
        kept.unpersist()


def _without_caption(rows: DataFrame, seen: Observation, read: int) -> int:
    """Rows without a caption, as the sampling pass saw them; where it saw some rows twice, by a pass of their own."""
    found = seen.get
    return int(found["without_caption"]) if found["rows"] == read else rows.where(~has_caption()).count()


def _refuse_few(sampled: int, captions: int, share: float) -> None:
    if sampled < _LEAST_ROWS:
        least = 2 * _LEAST_ROWS / max(captions, 1)
        remedy = f"ask for a share of at least {least:.2g}" if least < 1 else "curate the pool itself, it is small"
        raise InputError(f"{sampled} of {captions} rows with a caption are in a sample of {share:.4g}: {remedy}")


def _wanted(sample: _Sample) -> int | None:
    if sample.config.keep_share is None:
        return sample.config.target_size
    return round(sample.config.keep_share * sample.pool.read)


def _grid(sample: _Sample) -> list[float]:
    """Powers of two from 1 to where every entry is tail."""
    most = max(int(own.max()) for own in sample.counts.entries.values()) / sample.share
    return [2.0**power for power in range(int(np.ceil(np.log2(most))) + 2)]


def _asked(sample: _Sample, sizes: Sequence[SizeEstimate], wanted: int | None) -> SizeEstimate:
    """The size at the t of the configuration, or the t whose size comes near what is wanted."""
    if wanted is None:
        t = sample.config.t
        if t is None:
            own = language_thresholds(sample.counts, sample.config, None)
            reference = sample.config.reference_language
            t = own.get(reference, next(iter(own.values()))) / sample.share
        return _sizes(sample, [t])[0]
    most = sizes[-1].rows.value
    if wanted > most:
        raise ConfigError(f"{wanted} rows are wanted, but only about {most:.0f} match: ask for fewer")
    for _ in range(_NARROWING):
        place = int(np.searchsorted([size.rows.value for size in sizes], wanted))
        high = sizes[min(place, len(sizes) - 1)].t
        low = sizes[place - 1].t if place else high / 1e3
        sizes = _sizes(sample, np.geomspace(low, high, 12).tolist())
    return min(sizes, key=lambda size: abs(size.rows.value - wanted))


def _sizes(sample: _Sample, ts: Sequence[float]) -> list[SizeEstimate]:
    """Estimated sizes: the mean q of the sampled rows, times the rows of the pool.

    The range adds up: which rows were sampled, which of them a seed draws, and half of what the model of rare entries
    changes against taking counts as they were seen.
    """
    modelled, squares = _summed(sample, ts, modelled=True)
    plain, _ = _summed(sample, ts, modelled=False)
    scale, sampled = 1 / sample.share, sample.counts.read
    of_sampling = scale**2 * (1 - sample.share) * np.maximum(squares - modelled**2 / sampled, 0)
    of_drawing = scale * np.maximum(modelled - squares, 0)
    off = _SIZE_DEVIATIONS * np.sqrt(of_sampling + of_drawing) + _MODEL_ERROR * scale * np.abs(modelled - plain)
    values = scale * modelled
    most = float(sample.captions)
    return [
        SizeEstimate(t, Interval(value, max(0.0, value - error), min(most, value + error)), t * sample.share)
        for t, value, error in zip(ts, values.tolist(), off.tolist(), strict=True)
    ]


def _summed(sample: _Sample, ts: Sequence[float], *, modelled: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of q and its square over the sample at each t, with p as modelled or from the counts as they were seen."""
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


def _scaled(number: int, sample: _Sample) -> Interval:
    """Rows of a kind in the pool: binomial, of a finite pool."""
    part, captions = number / sample.counts.read, sample.captions
    off = _DEVIATIONS * captions * np.sqrt((1 - sample.share) * part * (1 - part) / sample.counts.read)
    return Interval(part * captions, max(0.0, part * captions - off), min(captions, part * captions + off))


def _matches(sample: _Sample) -> Interval:
    """Matches of the pool; captions have a few each, so that their number spreads by no more than twice its mean."""
    number, rows = sample.counts.matches, sample.counts.read
    value = number / sample.share
    off = _DEVIATIONS * 2 * value * np.sqrt((1 - sample.share) / rows)
    return Interval(value, value - off, value + off)


def _language(sample: _Sample, language: str, compiled: CompiledMetadata) -> LanguageEstimate:
    own = sample.counts.entries[language]
    matches = int(own.sum())
    top = np.lexsort((np.arange(own.size), -own))[:_TOP]
    return LanguageEstimate(
        seen=int(np.count_nonzero(own)),
        unseen_share=int(np.count_nonzero(own == 1)) / matches if matches else 1.0,
        top_entries=[(compiled.entry(int(entry)), _scaled(int(own[entry]), sample)) for entry in top if own[entry]],
    )


def _octave_rows(sizes: Sequence[SizeEstimate], t: float) -> float:
    """Rows whose thresholds lie between the powers of two around t."""
    rows = [0.0, *(size.rows.value for size in sizes)]
    place = min(int(np.searchsorted([size.t for size in sizes], t)), len(sizes) - 1)
    return rows[place + 1] - rows[place]


def _bytes(sample: _Sample, asked: SizeEstimate, known: int | None) -> Interval | None:
    if known is None:
        return None
    per_match = sample.counts.matches / max(1, sum(sample.counts.matched.values()))
    per_row = known / sample.pool.read + _FEATURES + _ID_BYTES * per_match
    value = per_row * asked.rows.value
    return Interval(value, 0.6 * per_row * asked.rows.low, 1.4 * per_row * asked.rows.high)
