"""Estimate of a curation from a share of the rows. Nothing is written."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import Observation

from metaclip_spark.audit.estimate.counted_sample import CountedSample
from metaclip_spark.audit.estimate.estimate_report import EstimateReport, Interval, SizeEstimate
from metaclip_spark.audit.estimate.estimate_sizes import grid, size_of_run, sizes_at
from metaclip_spark.audit.estimate.run_time import PASSES, run_seconds
from metaclip_spark.audit.estimate.sample_rows import has_caption, sample_rows
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing.target_size import histograms_needed
from metaclip_spark.curation.count_matches import count_matches
from metaclip_spark.curation.count_pool import count_records, malformed_warning
from metaclip_spark.curation.metadata_checks import metadata_for_pool
from metaclip_spark.errors import ConfigError, InputError, MetaclipSparkWarning
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress
from metaclip_spark.spark.session import check_session
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.file_layout import row_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.open_pool import OpenPool

_MIN_ROWS: Final = 100


def estimate(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    share: float,
    config: CurateConfig | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> EstimateReport:
    """Estimate the result of `curate` from a share of the rows.

    The uids and the seed decide which rows are sampled: the same ones every time, and a greater share contains the
    smaller one. Rows without a caption are only counted. The ids and captions of the pool are read once.

    Args:
        spark: Session that can read Delta tables.
        pool: Pool of captions.
        metadata: Compiled metadata, or one by language.
        share: Share of the rows with a caption, in (0, 1).
        config: Curation configuration.
        progress: Function that receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: `curate` would raise this error before its first pass.
        ConfigError: The share is outside (0, 1), or the configuration has one text per image or frozen counts.
        InputError: Fewer than 100 rows are in the sample, or none of them matches.
    """
    config = config or CurateConfig()
    _check(share, config)
    check_session(spark)
    timer, seen = Progress(progress, spark, "sample"), Observation()
    with timer.step("open"), translated_job_errors():
        opened = open_pool(spark, pool)
        pool = opened.pool
        languages = metadata_for_pool(metadata, pool, config)
        found = count_records(opened, pool)
        read, warned = found.read - found.malformed, _warn(opened, found)
    with (
        SharedMetadata(spark, languages) as shared,
        translated_job_errors(),
        _cached(sample_rows(opened.rows, share, config.seed, seen)) as rows,
    ):
        with timer.step("sample"):
            sampled = rows.count()
            without = _without_caption(opened.rows, seen, read)
            _check_enough(sampled, read - without, share)
            timer.note(f"{sampled:,} of {read:,} rows,")
        with timer.step("count"):
            sample = CountedSample(rows, count_matches(rows, shared), found, without, shared, config)
            _check_matches(sample.counts.matches, sampled)
        with timer.step("balance"):
            target = _target_rows(sample)
            sizes = sizes_at(sample, grid(sample))
            size = size_of_run(sample, sizes, target)
            choosing = 0 if target is None else histograms_needed(_octave_rows(sizes, size.t))
        with timer.step("time"):
            seconds = run_seconds(sample, reading=timer.seconds["sample"], choosing=choosing)
    return EstimateReport(
        share=share,
        seed=config.seed,
        read=found.read,
        malformed=found.malformed,
        without_caption=without,
        sampled=sampled,
        matched=sample.matched_rows(),
        matches=sample.matches(),
        languages={language: sample.language(language, languages[language]) for language in languages},
        size=size,
        target_rows=target,
        sizes=sizes,
        passes=PASSES + choosing,
        run_seconds=seconds,
        table_bytes=_table_bytes(sample, size, opened.source.bytes),
        seconds=timer.seconds,
        warnings=warned,
    )


def _warn(opened: OpenPool, found: PoolCounts) -> list[str]:
    """Warn of malformed records, and return all warnings about the pool."""
    warning = malformed_warning(opened, found, opened.pool)
    if warning is None:
        return [*opened.source.warnings]
    warnings.warn(warning, MetaclipSparkWarning, stacklevel=3)
    return [*opened.source.warnings, warning]


def _check(share: float, config: CurateConfig) -> None:
    if not 0 < share < 1:
        raise ConfigError(f"share = {share!r} is not a share of the rows. Pass a number above 0 and below 1.")
    if config.texts_per_image == "one_text_per_image":
        raise ConfigError(
            "A sample of rows does not contain all texts of an image, so one_text_per_image cannot be estimated. "
            "Estimate with all_pairs, whose size is an upper bound."
        )
    if config.counts is not None:
        raise ConfigError(
            f"counts = {config.counts!r} are frozen counts, but an estimate scales up the counts of its sample. "
            "Estimate without them, which balances by the pool's own counts."
        )


@contextmanager
def _cached(rows: DataFrame) -> Iterator[DataFrame]:
    cached = rows.persist()
    try:
        yield cached
    finally:
        cached.unpersist()


def _without_caption(rows: DataFrame, seen: Observation, read: int) -> int:
    """Return the number of rows without a caption.

    The sampling pass observes it. A retried task observes its rows twice; then a pass of its own counts them.
    """
    found = seen.get
    return int(found["without_caption"]) if found["rows"] == read else rows.where(~has_caption()).count()


def _check_enough(sampled: int, captions: int, share: float) -> None:
    if sampled < _MIN_ROWS:
        larger = 2 * _MIN_ROWS / max(captions, 1)
        remedy = (
            f"Pass a share of at least {larger:.2g}" if larger < 1 else "Curate the pool itself, because it is small"
        )
        raise InputError(
            f"The sample of share {share:.4g} contains {sampled} of {captions} rows with a caption, but the minimum is "
            f"{_MIN_ROWS}. {remedy}."
        )


def _check_matches(matches: int, sampled: int) -> None:
    if not matches:
        raise InputError(
            f"None of the {sampled} sampled rows matches an entry. Check the text column and the metadata."
        )


def _target_rows(sample: CountedSample) -> int | None:
    if sample.config.keep_share is None:
        return sample.config.target_size
    return round(sample.config.keep_share * sample.pool.read)


def _octave_rows(sizes: Sequence[SizeEstimate], t: float) -> float:
    """Return the number of rows whose thresholds lie between the powers of two around t."""
    rows = [0.0, *(size.rows.value for size in sizes)]
    place = min(int(np.searchsorted([size.t for size in sizes], t)), len(sizes) - 1)
    return rows[place + 1] - rows[place]


def _table_bytes(sample: CountedSample, size: SizeEstimate, pool_bytes: int | None) -> Interval | None:
    if pool_bytes is None:
        return None
    per_caption = sample.counts.matches / max(1, sum(sample.counts.matched.values()))
    per_row = row_bytes(pool_bytes, sample.pool.read, per_caption)
    return Interval(per_row * size.rows.value, 0.6 * per_row * size.rows.low, 1.4 * per_row * size.rows.high)
