"""Runs that start from the rows of another one: which it is, what they are called, what they report."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metaclip_spark.core.head_tail import head_tail, tail_share
from metaclip_spark.core.sampling import DRAW_VERSION
from metaclip_spark.core.spacing import SEMANTICS_VERSION
from metaclip_spark.errors import ConfigError, ConsistencyError, TableError
from metaclip_spark.stages.run_plan import COUNT
from metaclip_spark.stages.stored_counts import load_counts
from metaclip_spark.stages.stored_run import curated_writer, unfinished
from metaclip_spark.storage.schemas import RESERVE, RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.compiled import CompiledMetadata
    from metaclip_spark.core.pool_counts import PoolCounts
    from metaclip_spark.report.curate_report import CurateReport, LanguageReport
    from metaclip_spark.stages.run_plan import RunPlan
    from metaclip_spark.stages.stored_run import StoredRun
    from metaclip_spark.storage.tables import Tables, Write


def base_run(tables: Tables, runs: Mapping[str, StoredRun], name_from: Callable[[StoredRun], str]) -> StoredRun:
    """The finished run to start from.

    It is the one whose rows the curated table holds; or, where the table was written by the very run that is asked for,
    which then died, the one that this run started from.

    Args:
        tables: of the output.
        runs: the finished ones.
        name_from: the name that the run asked for has if it starts from this one.

    Raises:
        TableError: there is no curated table, or another run left it unfinished.
    """
    writer = curated_writer(tables)
    if writer in runs:
        return runs[writer]
    parents = [run for run in runs.values() if name_from(run) == writer]
    if not parents:
        raise unfinished(tables, writer)
    return parents[0]


def refuse_other_rules(run: StoredRun) -> None:
    """Rows of other rules cannot stand beside rows of these.

    Raises:
        TableError: the run's semantics_version or draw_version is another one.
    """
    for name, own, stored in (
        ("semantics_version", SEMANTICS_VERSION, run.semantics_version),
        ("draw_version", DRAW_VERSION, run.draw_version),
    ):
        if own != stored:
            raise TableError(
                f"run {run.run_id} was made by {name} {stored!r}, this is {own!r}: its rows cannot be balanced again "
                "or joined by others. Curate its pool again with this release, into another output or with overwrite"
            )


def refuse_other_metadata(run: StoredRun, metadata: Mapping[str, CompiledMetadata]) -> None:
    """The stored ids are of one metadata list by language.

    Raises:
        ConfigError: this is another list, or of other languages.
    """
    given = {language: compiled.metadata_digest for language, compiled in metadata.items()}
    stored = dict(run.metadata_digests)
    if given != stored:
        differing = sorted(name for name in given | stored if given.get(name) != stored.get(name))
        raise ConfigError(
            f"the metadata of {', '.join(map(repr, differing))} is not the one that run {run.run_id} was made with "
            f"(digests {stored}; given {given}): pass the same lists, or curate everything again"
        )


def counts_of(tables: Tables, run: StoredRun) -> PoolCounts:
    """The counts that balanced a run's rows.

    Raises:
        ConsistencyError: they are gone, or do not add up.
    """
    runs = tables.read(RUNS)
    found = [] if runs is None else runs.where((runs.run_id == run.counts_version) & (runs.stage == COUNT)).collect()
    if not found:
        raise ConsistencyError(f"the counts {run.counts_version} of run {run.run_id} are not recorded: curate again")
    return load_counts(
        tables, found[0], {name: figures["entries"] for name, figures in run.report["languages"].items()}
    )


def stored_limits(run: StoredRun, counts: PoolCounts) -> dict[str, float]:
    """Threshold by language up to which every matched row is stored; infinite where none is missing.

    No admission threshold lies above the count of the row's rarest entry, which is at least 1.

    Args:
        run: that wrote the rows.
        counts: that balanced them.
    """
    return {
        language: math.inf if limit >= max(1, counts.entries[language].max(initial=0)) else limit
        for language, limit in run.stored_t().items()
    }


def withdraw_mark(tables: Tables, runs: Mapping[str, StoredRun], plan: RunPlan) -> None:
    """Before a run is done a second time: take back the mark of the first."""
    if plan.run_id in runs:
        tables.withdraw(RUNS, f"run_id = '{plan.run_id}'")


def check_commit(write: Write, kept: int, what: str) -> None:
    """The rows of a commit are those that were decided on.

    Raises:
        ConsistencyError: they are not.
    """
    if write.rows != kept:
        raise ConsistencyError(
            f"{kept} rows belong into {what}, but version {write.version} of it has {write.rows}: the run is not "
            "marked as finished; run it again"
        )


def follow_up_report(
    base: StoredRun,
    plan: RunPlan,
    *,
    t: Mapping[str, float],
    reserve_t: Mapping[str, float] | None,
    entries: Mapping[str, NDArray[np.int64]],
    kept: Mapping[str, int],
    writes: Mapping[str, Write],
    tables: Tables,
    **changes: Any,
) -> CurateReport:
    """The report of a run that starts from another's rows: that one's, with what has changed.

    Args:
        base: the run it starts from.
        plan: the run.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
        entries: counts by language.
        kept: rows kept by language.
        writes: commit of each table.
        tables: of the output.
        changes: other fields of the report.
    """
    report = base.curate_report(
        run_id=plan.run_id,
        counts_version=plan.counts_version,
        already_finished=False,
        counts_reused=False,
        output_versions={name: write.version for name, write in writes.items()},
        wanted_rows=None,  # the base's t was chosen for a size; this is another t, or these are other rows
        reserved=writes[RESERVE].rows if RESERVE in writes else 0,
        **changes,
    )
    paths = {name: path for name, path in report.tables.items() if name != RESERVE}
    languages = {
        language: replace(
            _language(figures, entries[language], t[language]),
            kept=kept[language],
            reserve_t=reserve_t[language] if reserve_t else None,
        )
        for language, figures in report.languages.items()
    }
    return replace(report, languages=languages, tables={name: tables.path(name) for name in (*writes, *paths)})


def _language(report: LanguageReport, counts: NDArray[np.int64], t: float) -> LanguageReport:
    figures = head_tail(counts, t)
    return replace(
        report,
        t=t,
        head=figures.head,
        tail=figures.tail,
        never=figures.never,
        matches=figures.matches,
        head_matches=figures.head_matches,
        tail_share=float(tail_share(counts, t)) if figures.matches else 0.0,
    )
