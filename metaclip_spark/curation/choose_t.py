"""Choosing t: as given, from a share of tail matches, or so that a wanted number of rows is kept, to the row.

A size needs the admission thresholds of the pool: one pass over ids and texts (over whole rows where one text of an
image is chosen) for the size curve, unless a run over the same counts and draws has left it, and one or a few for the
bin that holds the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from metaclip_spark.core.balancing.head_tail import language_threshold, tail_share
from metaclip_spark.core.balancing.language_steps import language_steps
from metaclip_spark.core.balancing.target_size import min_t
from metaclip_spark.curation.keep_balanced import balance_on_workers
from metaclip_spark.curation.measure_thresholds import Thresholds, threshold_histogram
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.runs.size_curves import stored_curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.language_steps import LanguageSteps
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.spark.shared_metadata import SharedMetadata
    from metaclip_spark.tables.tables import Tables


@dataclass(frozen=True)
class ChosenT:
    """The thresholds of a run.

    Attributes:
        t: by language, in matches.
        reserve_t: by language, up to which rows are stored; None without a reserve.
        wanted: rows that were asked for; None where the size did not decide.
        rows: rows that t keeps, more than `wanted` where several share a threshold; None as above.
    """

    t: Mapping[str, float]
    reserve_t: Mapping[str, float] | None = None
    wanted: int | None = None
    rows: int | None = None

    def in_words(self) -> str:
        """For a line of progress.

        >>> ChosenT({"en": 20000.0, "de": 170.5}).in_words()
        't = 20,000 (en), 170.5 (de)'
        """
        return "t = " + ", ".join(f"{t:,.10g} ({language})" for language, t in self.t.items())


def choose_t(
    tables: Tables,
    plan: RunPlan,
    config: CurateConfig,
    *,
    rows: DataFrame,
    metadata: SharedMetadata,
    counts: PoolCounts,
) -> ChosenT:
    """The thresholds that the configuration asks for.

    Args:
        tables: may hold the size curve of an earlier run.
        plan: of this run.
        config: one of its ways to choose t is given.
        rows: the pool under its canonical names.
        metadata: on the workers.
        counts: of the pool, with the entries' counts that balance it.

    Raises:
        ConfigError: fewer rows than wanted can be kept, or t is not below the reserve's.
        InputError: there are several languages, and nothing of the reference language matched.
    """
    wanted = _wanted_rows(counts, config)
    if wanted is None:
        return _chosen(counts, config, config.t)
    several = len(counts.entries) > 1
    # Curves of several languages say nothing of the order between their rows.
    curve = None if several else stored_curve(tables, plan)
    any_t = dict.fromkeys(counts.entries, 1.0)
    with balance_on_workers(rows.sparkSession, counts.entries, any_t, config.seed) as balance:
        one_text = config.texts_per_image == "one_text_per_image"
        steps = _steps(counts, config) if several else {}
        pool = Thresholds(rows, metadata, balance, one_text, steps)
        found = min_t(wanted, lambda window, shift: threshold_histogram(pool, window, shift), curve)
    return replace(_chosen(counts, config, found.t), wanted=wanted, rows=found.rows)


def thresholds(counts: PoolCounts, config: CurateConfig, t: float | None) -> dict[str, float]:
    """The threshold of each language: t of the only one, or of the reference language, whose tail share sets the rest.

    Args:
        counts: of the pool.
        config: reference language and tail share.
        t: of the reference; None: the tail share sets this one too.

    Raises:
        InputError: there are several languages, and nothing of the reference language matched.
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
    """The thresholds up to which rows are stored, by the same rule as t; None without a reserve."""
    return thresholds(counts, config, config.reserve) if config.reserve else None


def refuse_unfit_choice(config: CurateConfig, languages: Sequence[str]) -> None:
    """Before any work: refuse a way to choose t that does not fit the languages.

    Raises:
        ConfigError: it does not.
    """
    if len(languages) == 1 and config.t is not None and config.tail_share is not None:
        raise ConfigError(
            f"t = {config.t} and tail_share = {config.tail_share} each set the threshold of {languages[0]!r}, the only "
            "language: give one of them"
        )
    if len(languages) > 1 and config.reference_language not in languages and config.reserve is not None:
        raise ConfigError(
            f"reserve = {config.reserve} is a threshold of the reference language {config.reference_language!r}, which "
            f"has no metadata (there is {', '.join(languages)}): name one of these as the reference language"
        )
    if len(languages) > 1 and config.reference_language not in languages and config.tail_share is None:
        asked = next(name for name in ("t", "target_size", "keep_share") if getattr(config, name) is not None)
        raise ConfigError(
            f"{asked} = {getattr(config, asked)} needs the tail share of the reference language "
            f"{config.reference_language!r}, which has no metadata (there is {', '.join(languages)}): name one of "
            "these as the reference language, or give tail_share"
        )


def _chosen(counts: PoolCounts, config: CurateConfig, t: float | None) -> ChosenT:
    chosen = thresholds(counts, config, t)
    config.check_reserve(config.reference_t(chosen))
    return ChosenT(chosen, reserve_thresholds(counts, config))


def _wanted_rows(counts: PoolCounts, config: CurateConfig) -> int | None:
    if config.keep_share is None:
        return config.target_size
    wanted = round(Fraction(config.keep_share) * counts.read)
    matched = sum(counts.matched.values())
    if not 1 <= wanted <= matched:
        raise ConfigError(
            f"keep_share = {config.keep_share} of {counts.read} rows read is {wanted} rows, but {matched} matched any "
            f"entry: ask for a share of at least one row, and at most {matched} / {counts.read}"
        )
    return wanted


def _steps(counts: PoolCounts, config: CurateConfig) -> dict[str, LanguageSteps]:
    """How the thresholds of the other languages follow the reference's t."""
    reference = counts.entries[config.reference_language]
    if not reference.any():
        raise InputError(
            f"no caption matched any entry of the reference language {config.reference_language!r}, so that a size "
            "sets no t: give tail_share instead, or another reference language"
        )
    others = {language: own for language, own in counts.entries.items() if language != config.reference_language}
    return {language: language_steps(reference, own) for language, own in others.items()}
