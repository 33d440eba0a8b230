"""Rebalance a curated table to another t: by its stored rows if they suffice, otherwise by a second pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.curation.choose_t import ChosenT, check_choice, language_thresholds, reserve_thresholds
from metaclip_spark.curation.metadata_checks import by_language, metadata_of_run
from metaclip_spark.curation.parent_counts import counts_of, stored_limits
from metaclip_spark.curation.rebalance.by_filter import rebalance_by_filter
from metaclip_spark.curation.rebalance.by_second_pass import rebalance_by_second_pass
from metaclip_spark.curation.rebalance.target import Target
from metaclip_spark.curation.report import derived_report
from metaclip_spark.errors import ConfigError
from metaclip_spark.runs.frozen_counts import open_frozen_counts
from metaclip_spark.runs.identity import RunIdentity, digest
from metaclip_spark.runs.run import Run
from metaclip_spark.runs.stored_run import APPEND, REBALANCE
from metaclip_spark.runs.tables_state import lineage, parent_run
from metaclip_spark.tables.schemas import CURATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.frozen_counts import FrozenCounts
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.stored_run import StoredRun


def rebalance(
    spark: SparkSession,
    root: str,
    t: float,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None = None,
    *,
    counts: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Rebalance a curated table to another t over the same counts and draws, keeping the same rows as a new run.

    To a smaller t this filters the table, and up to the limit of the reserve it moves rows: no pool is read. For rows
    that are not stored, the pools are read again in one pass with the stored counts. Selections are nested either way.
    With the counts of another curation (frozen counts) the pools are read again too, and the result is what `curate`
    over all of them would keep with these counts.

    Args:
        spark: A session with Delta.
        root: Root of the tables: a path, or a schema of the catalog (catalog.schema).
        t: Threshold in matches, of the reference language or of the only one, as for `curate`.
        metadata: The metadata that the table was curated with; needed only if t is beyond the stored rows, or with
            other counts.
        counts: Root of another curation, or ROOT@COUNTS_VERSION, whose counts balance the rows from now on; None for
            the counts that balance them already.
        progress: Receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of the run, as stored with it.

    Raises:
        MetaclipSparkError: There is no finished curated table, t or the metadata do not fit, or a pool that has to be
            read again has changed. The curated table is then unchanged.
    """
    with Run.open(spark, root, REBALANCE, progress=progress) as run:
        with run.step("open"):
            frozen = _frozen(spark, counts, metadata) if counts else None
            parent = parent_run(run.tables, run.state, lambda base: _identity(base, _config(base, t), frozen).run_id)
            if frozen is not None:  # the parent has to have the same metadata as these counts
                metadata_of_run(parent, _required(metadata, parent, t))
            target = _target(run, parent, _config(parent, t), frozen)
            run.identify(target.identity)
            if target.chosen.t == parent.t and target.identity.balanced_by == parent.counts_version:
                return replace(parent.report, already_finished=True)
            run.tables.check_writable()
            parent.check_rules()
            languages = {} if target.by_filter else metadata_of_run(parent, _required(metadata, parent, t))
            if frozen is not None:
                frozen.copy_to(run.tables)

        with run.step("balance"):
            if target.by_filter:
                figures = rebalance_by_filter(run, target)
            else:
                figures = rebalance_by_second_pass(run, target, languages)
            run.note(f"{run.writes[CURATED].rows:,} rows kept at {target.chosen},")

        report = _report(target, figures, languages)
        curves = {name: figures[name].curve for name in languages} if _has_new_curve(target) else None
        return run.commit(report, curves, parent_run_id=parent.run_id)


def _config(base: StoredRun, t: float) -> CurateConfig:
    """Return the configuration of the base at another t; a reserve whose limit t reaches is dropped."""
    before = base.config
    tail_share = None if before.t is None else before.tail_share
    config = replace(before, t=t, target_size=None, keep_share=None, tail_share=tail_share, reserve=None)
    check_choice(config, list(base.t))
    return replace(config, reserve=before.reserve) if before.reserve and before.reserve > t else config


def _frozen(
    spark: SparkSession, location: str, metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None
) -> FrozenCounts:
    if metadata is None:
        raise ConfigError(
            f"With the counts of {location} the pool has to be matched again. Pass the metadata that the table was "
            "curated with."
        )
    return open_frozen_counts(spark, location, by_language(metadata))


def _required(
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata] | None, base: StoredRun, t: float
) -> CompiledMetadata | Mapping[str, CompiledMetadata]:
    if metadata is None:
        raise ConfigError(
            f"t = {t} is beyond the stored rows (stored up to, by language: {base.stored_t()}), so the pool has to be "
            "matched again. Pass the metadata that the table was curated with. A reserve avoids this."
        )
    return metadata


def _identity(base: StoredRun, config: CurateConfig, frozen: FrozenCounts | None) -> RunIdentity:
    decided = {"stage": REBALANCE, "parent": base.run_id, "t": config.t}
    configuration = {**base.configuration, **config.identity()}
    version = base.counts_version
    if frozen is not None and frozen.counts_version != version:
        version = frozen.counts_version
        decided["counts"] = configuration["frozen"] = version
    return RunIdentity(digest(decided), version, base.metadata_digests, configuration, base.source, base.pool)


def _target(run: Run, parent: StoredRun, config: CurateConfig, frozen: FrozenCounts | None) -> Target:
    identity, counts = _identity(parent, config, frozen), counts_of(run, parent)
    has_other_counts = identity.counts_version != parent.counts_version
    stored = stored_limits(parent, counts)
    if frozen is not None:
        counts = replace(counts, entries=frozen.entries)
    t = language_thresholds(counts, config, config.t)
    by_filter = not has_other_counts and all(t[language] <= limit for language, limit in stored.items())
    reserve_t = reserve_thresholds(counts, config)
    if reserve_t and by_filter:  # after an append the reserve of a language may end below the limit of its rule
        reserve_t = {name: max(t[name], min(limit, stored[name])) for name, limit in reserve_t.items()}
    chain = lineage(run.state.runs, parent)
    return Target(parent, chain, identity, config, counts, ChosenT(t, reserve_t), by_filter)


def _has_new_curve(target: Target) -> bool:
    """Return whether the pass measured a size curve that is not stored yet.

    `curate` stores the complete curve, which does not depend on t. After an append it is truncated at the previous
    threshold.
    """
    other_counts = target.identity.counts_version != target.parent.counts_version
    return not target.by_filter and (other_counts or any(run.stage == APPEND for run in target.chain))


def _report(target: Target, figures: BalanceStatistics, metadata: Mapping[str, CompiledMetadata]) -> CurateReport:
    parent, before = target.parent, target.parent.counters
    counts = "the stored counts" if target.identity.counts_version == parent.counts_version else "frozen counts"
    way = "by filtering the stored rows" if target.by_filter else f"by a second pass with {counts}"
    return derived_report(
        parent,
        target.chosen,
        target.counts.entries,
        kept={name: figures[name].kept for name in target.chosen.t},
        metadata=metadata,
        counters={**before, "kept": figures.kept, "not_drawn": before["not_drawn"] + before["kept"] - figures.kept},
        expected_size=None if target.by_filter else figures.expected_size,
        expected_deviation=None if target.by_filter else figures.expected_deviation,
        origin=f"Rebalanced from {ChosenT(parent.t)} (run {parent.run_id}), {way}.",
    )
