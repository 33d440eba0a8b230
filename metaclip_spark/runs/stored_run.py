"""The run behind a curated table, read back: what later stages (explain, re-balance, append, inspect) start from."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.errors import TableError
from metaclip_spark.pools.source import Source
from metaclip_spark.runs.identity import COUNT, FINISHED
from metaclip_spark.runs.report import CurateReport
from metaclip_spark.tables.schemas import CURATED, RESERVE, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, Row

    from metaclip_spark.tables.delta_log import State
    from metaclip_spark.tables.tables import Tables


@dataclass(frozen=True)
class StoredRun:
    """A run that wrote a curated table, whole at least once.

    Attributes:
        run_id: its name.
        stage: what kind of run.
        status: FINISHED; or AGAIN: it was begun once more, and has not written all of its rows since.
        parent_run_id: the run whose result it used.
        counts_version: key of its counts.
        t: threshold by language, in matches.
        seed: of the draw.
        semantics_version: of the matching and balancing rules.
        draw_version: of the draw.
        metadata_digests: by language.
        configuration: columns and configuration, as stored.
        inputs: what was read, as stored: read it through `source` and `pool`.
        output_versions: of the tables it wrote.
        counters: rows by what became of them.
        figures: its report, as stored: read it through `report`.
    """

    run_id: str
    stage: str
    status: str
    parent_run_id: str | None
    counts_version: str
    t: Mapping[str, float]
    seed: int
    semantics_version: int
    draw_version: str
    metadata_digests: Mapping[str, str]
    configuration: Mapping[str, Any]
    inputs: Mapping[str, Any]
    output_versions: Mapping[str, int]
    counters: Mapping[str, int]
    figures: Mapping[str, Any]

    @cached_property
    def report(self) -> CurateReport:
        """The figures that the run reported."""
        return CurateReport.from_dict(self.figures)

    @cached_property
    def source(self) -> Source:
        """The files or table versions that the run read."""
        return Source(self.inputs["digest"], {name: value for name, value in self.inputs.items() if name != "digest"})

    @property
    def frozen(self) -> bool:
        """Whether frozen counts, those of another curation or of before an append, balanced any of its rows."""
        return bool(self.configuration.get("frozen"))

    @cached_property
    def pool(self) -> Pool:
        """The pool that the run read, at the version it read."""
        return Pool(
            paths=tuple(self.inputs["paths"]),
            columns=PoolColumns(**self.configuration["columns"]),
            format=self.inputs["format"],
            version=self.inputs.get("version"),
            name=self.inputs.get("pool_name", ""),
            **{name: value for name, value in self.configuration.get("reading", {}).items() if name != "format"},
            **self.configuration.get("changes", {}),
        )

    @cached_property
    def config(self) -> CurateConfig:
        """How it balanced."""
        known = {field.name for field in fields(CurateConfig)}
        return CurateConfig(**{name: value for name, value in self.configuration.items() if name in known})

    def settled_config(self) -> CurateConfig:
        """The same where t stays as it is from now on: in place of a size that chose it stands the t it chose."""
        config = self.config
        if config.target_size is None and config.keep_share is None:
            return config
        return replace(config, t=config.reference_t(self.t), target_size=None, keep_share=None)

    def stored_t(self) -> dict[str, float]:
        """Threshold by language up to which every row is stored: in the curated table, or above t in the reserve."""
        return {language: self.report.languages[language].reserve_t or t for language, t in self.t.items()}


class Found(NamedTuple):
    """What a run finds in its output when it begins; it starts from this, whatever happens to the tables meanwhile.

    Attributes:
        curations: every run that wrote a curated table, by its name.
        counts: rows of `runs` of the counts, by their key.
        states: of the curated table and the reserve.
    """

    curations: dict[str, StoredRun]
    counts: dict[str, Row]
    states: Mapping[str, State]

    @property
    def versions(self) -> dict[str, int]:
        """Newest versions of the tables of rows; -1 where there is none."""
        return {name: state.version for name, state in self.states.items()}


def look(tables: Tables) -> Found:
    """The runs, and the tables of rows as they are now."""
    runs = tables.read(RUNS)
    rows = [] if runs is None else runs.collect()
    return Found(
        curations={row.run_id: _stored(row) for row in rows if row.stage != COUNT},
        counts={row.run_id: row for row in rows if row.stage == COUNT},
        states={name: tables.state(name) for name in (CURATED, RESERVE)},
    )


def current_run(tables: Tables, version: int | None = None) -> StoredRun:
    """The run whose rows the curated table holds, or held at a version.

    Raises:
        TableError: there is no curated table, or the run that wrote it is not marked as finished.
    """
    writer = tables.writer(CURATED, version)
    runs = curations(tables)
    if writer not in runs or runs[writer].status != FINISHED:
        raise unfinished(tables, writer, runs)
    return runs[writer]


def unfinished(tables: Tables, writer: str | None, runs: Mapping[str, StoredRun]) -> TableError:
    """The error that says that there is nothing to start from, and what can be done.

    Args:
        tables: of the output.
        writer: the run, not finished, whose rows the curated table holds; None: there is no such table.
        runs: of `curations`.
    """
    if writer is None:
        return TableError(f"{tables.root} holds no curated table: curate a pool into it first, or name another folder")
    whole = [run for run in runs.values() if run.status == FINISHED and CURATED in run.output_versions]
    back = ""
    if whole:
        last = max(whole, key=lambda run: run.output_versions[CURATED])
        version = tables.last_version_of(CURATED, last.run_id, last.output_versions[CURATED])
        back = f", or go back to run {last.run_id}: RESTORE TABLE {tables.sql_name(CURATED)} TO VERSION AS OF {version}"
    return TableError(
        f"the rows of {tables.path(CURATED)} are of run {writer}, which is not marked as finished: run the same "
        f"command again, which completes it{back}"
    )


def curations(tables: Tables) -> dict[str, StoredRun]:
    """Every run that wrote a curated table, by its name."""
    runs = tables.read(RUNS)
    if runs is None:
        return {}
    return {row.run_id: _stored(row) for row in runs.where(runs.stage != COUNT).collect()}


def lineage(runs: Mapping[str, StoredRun], run: StoredRun) -> list[StoredRun]:
    """The runs that a run's rows went through, the first curation first.

    Raises:
        TableError: one of them is not in the table of runs.
    """
    found = [run]
    while found[-1].parent_run_id in runs:
        found.append(runs[str(found[-1].parent_run_id)])
    if found[-1].stage != "curate":
        raise TableError(
            f"run {found[-1].parent_run_id}, from which run {found[-1].run_id} started, is not among the runs any "
            "more: curate again"
        )
    return found[::-1]


def stored_rows(tables: Tables, run: StoredRun, found: Found) -> DataFrame:
    """The rows that a finished run left, of the curated table and the reserve, also where another run wrote over them.

    Args:
        tables: of the output.
        run: of `found.curations`.
        found: in the output.

    Returns:
        The tables at one version each, so that the rows stay the same while the tables are written.

    Raises:
        TableError: one of the tables is gone, or its version is.
    """
    parts = [_rows(tables, run, found.states[name], name) for name in (CURATED, RESERVE) if name in run.output_versions]
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _rows(tables: Tables, run: StoredRun, state: State, name: str) -> DataFrame:
    written = run.output_versions[name]
    own = state.run_id == run.run_id
    version = state.version if own or state.version < 0 else tables.last_version_of(name, run.run_id, written)
    rows = tables.read(name, version=version, newest=state.version) if state.version >= 0 else None
    if rows is None:
        raise TableError(
            f"run {run.run_id} wrote rows to {tables.path(name)}, which is gone: they are missing from what is stored. "
            "Put the folder back, or curate again"
        )
    return rows


def _stored(row: Row) -> StoredRun:
    return StoredRun(
        run_id=row.run_id,
        stage=row.stage,
        status=row.status,
        parent_run_id=row.parent_run_id,
        counts_version=row.counts_version,
        t=dict(row.t),
        seed=int(row.seed),
        semantics_version=row.semantics_version,
        draw_version=row.draw_version,
        metadata_digests=dict(row.metadata_digests),
        configuration=json.loads(row.configuration),
        inputs=json.loads(row.inputs),
        output_versions=dict(row.output_versions),
        counters=dict(row.counters),
        figures=json.loads(row.report),
    )
