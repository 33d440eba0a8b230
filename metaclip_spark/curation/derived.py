"""Runs that start from the rows of another one: which it is, what they are called, what they report."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from metaclip_spark.core.balancing.head_tail import head_tail, tail_share
from metaclip_spark.errors import ConfigError, ConsistencyError, TableError
from metaclip_spark.runs.identity import FINISHED
from metaclip_spark.runs.stored_counts import load_counts
from metaclip_spark.runs.stored_run import unfinished
from metaclip_spark.tables.schemas import CURATED, RESERVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.runs.report import CurateReport, LanguageReport
    from metaclip_spark.runs.stored_run import Found, StoredRun
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.tables import Tables


def base_run(tables: Tables, found: Found, name_from: Callable[[StoredRun], str]) -> StoredRun:
    """The finished run to start from.

    It is the one whose rows the curated table holds; or, where the table was written by the very run that is asked for,
    which then died, the one that this run started from.

    Args:
        tables: of the output.
        found: in the output.
        name_from: the name that the run asked for has if it starts from this one.

    Raises:
        TableError: there is no curated table, or another run left it unfinished; or the run that this one started from
            was begun again since, and is unfinished itself.
    """
    writer, runs = found.states[CURATED].run_id, found.curations
    if writer in runs and runs[writer].status == FINISHED:
        return runs[writer]
    parents = [run for run in runs.values() if name_from(run) == writer]
    if not parents:
        raise unfinished(tables, writer, runs)
    if parents[0].status != FINISHED:  # its reserve may hold rows that belong into the curated table
        raise TableError(
            f"run {parents[0].run_id}, from which run {writer} of the rows in {tables.path(CURATED)} started, was "
            "begun again and did not end: run that command again first, with overwrite"
        )
    return parents[0]


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


def counts_of(tables: Tables, run: StoredRun, found: Found) -> PoolCounts:
    """The counts that balanced a run's rows.

    Raises:
        ConsistencyError: they are gone, or do not add up.
    """
    if run.counts_version not in found.counts:
        raise ConsistencyError(f"the counts {run.counts_version} of run {run.run_id} are not recorded: curate again")
    sizes = {name: figures.entries for name, figures in run.report.languages.items()}
    return load_counts(tables, found.counts[run.counts_version], sizes)


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
    report = replace(
        base.report,
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
