"""Choice of t: the given value, the one for a share of tail matches, or the exact one for a requested number of rows.

A target size requires the admission thresholds of the pool. One pass over ids and texts (over complete rows with one
text per image) computes the size curve, unless an earlier run over the same counts and draws stored it. One or a few
more passes search the bin that contains t.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from metaclip_spark.core.balancing.head_tail import language_threshold, tail_share
from metaclip_spark.core.balancing.language_steps import language_steps
from metaclip_spark.core.balancing.target_size import min_t
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.measure_thresholds import Thresholds, threshold_histogram
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.runs.size_curves import stored_curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.language_steps import LanguageSteps
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.runs.run import Run
    from metaclip_spark.spark.shared_metadata import SharedMetadata


@dataclass(frozen=True)
class ChosenT:
    """Thresholds of a run.

    Attributes:
        t: Threshold by language, in matches.
        reserve_t: Threshold by language up to which rows are stored; None without a reserve.
        target_rows: Requested size, in rows; None if no size was requested.
        rows: Rows that t keeps: more than `target_rows` if several rows have the last threshold; None if no size was
            requested.

    >>> print(ChosenT({"en": 20000.0, "de": 170.5}))
    t = 20,000 (en), 170.5 (de)
    """

    t: Mapping[str, float]
    reserve_t: Mapping[str, float] | None = None
    target_rows: int | None = None
    rows: int | None = None

    def __str__(self) -> str:
        return "t = " + ", ".join(f"{t:,.10g} ({language})" for language, t in self.t.items())


def choose_t(
    run: Run, config: CurateConfig, *, rows: DataFrame, metadata: SharedMetadata, counts: PoolCounts
) -> ChosenT:
    """Return the thresholds that follow from the configuration.

    Args:
        run: The run, whose tables may contain the size curve of an earlier run.
        config: Configuration with one of the ways to choose t.
        rows: The pool under its canonical names.
        metadata: Metadata on the executors.
        counts: Rows of the pool by outcome, with the entry counts that balance them.

    Raises:
        ConfigError: Fewer rows match than are requested, or t is not below the limit of the reserve.
        InputError: There are several languages, and no entry of the reference language matched.
    """
    target_rows = _target_rows(counts, config)
    if target_rows is None:
        return _thresholds(counts, config, config.t)
    several = len(counts.entries) > 1
    # Per-language curves do not give the common order of rows of several languages.
    curve = None if several else stored_curve(run.tables, run.state.runs, run.identity)
    any_t = dict.fromkeys(counts.entries, 1.0)
    with balance_on_executors(rows.sparkSession, counts.entries, any_t, config.seed) as balance:
        one_text = config.texts_per_image == "one_text_per_image"
        steps = _steps(counts, config) if several else {}
        pool = Thresholds(rows, metadata, balance, one_text, steps)
        found = min_t(target_rows, lambda window, shift: threshold_histogram(pool, window, shift), curve)
    return replace(_thresholds(counts, config, found.t), target_rows=target_rows, rows=found.rows)


def language_thresholds(counts: PoolCounts, config: CurateConfig, t: float | None) -> dict[str, float]:
    """Return the threshold of each language.

    t is that of the only language, or of the reference language, whose tail share then sets the t of the others.

    Args:
        counts: Counts of the pool.
        config: Configuration with the reference language, and with the tail share if it is fixed.
        t: Threshold of the reference language; None if the tail share sets this one too.

    Raises:
        InputError: There are several languages, and no entry of the reference language matched.
    """
    entries = counts.entries
    if len(entries) == 1 and t is not None:
        return dict.fromkeys(entries, t)
    if config.tail_share is not None:
        share = Fraction(config.tail_share)
    elif t is not None:
        share = tail_share(entries[config.reference_language], t)
    else:
        raise AssertionError("a configuration without t has a tail share")
    return {
        language: t
        if language == config.reference_language and t is not None
        else float(language_threshold(own, share).t)
        for language, own in entries.items()
    }


def reserve_thresholds(counts: PoolCounts, config: CurateConfig) -> dict[str, float] | None:
    """Return the thresholds up to which rows are stored, by the rule for t; None without a reserve."""
    return language_thresholds(counts, config, config.reserve) if config.reserve else None


def check_choice(config: CurateConfig, languages: Sequence[str]) -> None:
    """Check that the way to choose t fits the languages, before any work.

    Raises:
        ConfigError: It does not fit.
    """
    if len(languages) == 1 and config.t is not None and config.tail_share is not None:
        raise ConfigError(
            f"t = {config.t} and tail_share = {config.tail_share} each set the threshold of {languages[0]!r}, the only "
            "language. Give one of them."
        )
    if len(languages) == 1 or config.reference_language in languages:
        return
    known = ", ".join(languages)
    if config.reserve is not None:
        raise ConfigError(
            f"reserve = {config.reserve} is a threshold of the reference language {config.reference_language!r}, which "
            f"has no metadata (there is {known}). Name one of these languages as the reference language."
        )
    if config.tail_share is None:
        given = next(name for name in ("t", "target_size", "keep_share") if getattr(config, name) is not None)
        raise ConfigError(
            f"{given} = {getattr(config, given)} needs the tail share of the reference language "
            f"{config.reference_language!r}, which has no metadata (there is {known}). Name one of these languages as "
            "the reference language, or give tail_share."
        )


def _thresholds(counts: PoolCounts, config: CurateConfig, t: float | None) -> ChosenT:
    chosen = language_thresholds(counts, config, t)
    config.check_reserve(config.reference_t(chosen))
    return ChosenT(chosen, reserve_thresholds(counts, config))


def _target_rows(counts: PoolCounts, config: CurateConfig) -> int | None:
    if config.keep_share is None:
        return config.target_size
    target = round(Fraction(config.keep_share) * counts.read)
    matched = sum(counts.matched.values())
    if not 1 <= target <= matched:
        raise ConfigError(
            f"keep_share = {config.keep_share} of {counts.read} rows read is {target} rows, but {matched} rows match "
            f"an entry. Request a share of at least one row and at most {matched} / {counts.read}."
        )
    return target


def _steps(counts: PoolCounts, config: CurateConfig) -> dict[str, LanguageSteps]:
    """Return by language the steps in which its threshold follows the t of the reference language."""
    reference = counts.entries[config.reference_language]
    if not reference.any():
        raise InputError(
            f"No caption matches an entry of the reference language {config.reference_language!r}, so a size does not "
            "determine t. Give tail_share instead, or another reference language."
        )
    others = {language: own for language, own in counts.entries.items() if language != config.reference_language}
    return {language: language_steps(reference, own) for language, own in others.items()}
