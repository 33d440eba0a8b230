"""The run behind a curated table, read back: what later stages (explain, re-balance, append, inspect) start from."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from metaclip_spark.config import CurateConfig, Pool, PoolColumns
from metaclip_spark.errors import TableError
from metaclip_spark.report.curate_report import CurateReport
from metaclip_spark.stages.choose_t import reference_t
from metaclip_spark.stages.run_plan import COUNT
from metaclip_spark.storage.schemas import CURATED, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, Row

    from metaclip_spark.storage.tables import Tables


@dataclass(frozen=True)
class StoredRun:
    """A finished run that wrote a curated table.

    Attributes:
        run_id: its name.
        stage: what kind of run.
        parent_run_id: the run whose result it used.
        counts_version: key of its counts.
        t: threshold by language, in matches.
        seed: of the draw.
        semantics_version: of the matching and balancing rules.
        draw_version: of the draw.
        metadata_digests: by language.
        configuration: columns and configuration, as stored.
        inputs: what was read: format, paths, digest, version, crawl.
        output_versions: of the tables it wrote.
        counters: rows by what became of them.
        report: its figures, as `CurateReport.as_dict` gave them.
    """

    run_id: str
    stage: str
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
    report: Mapping[str, Any]

    def pool(self) -> Pool:
        """The pool that the run read, at the version it read."""
        return Pool(
            paths=tuple(self.inputs["paths"]),
            columns=PoolColumns(**self.configuration["columns"]),
            format=self.inputs["format"],
            version=self.inputs.get("version"),
            crawl=self.inputs.get("crawl", ""),
            **{name: value for name, value in self.configuration.get("reading", {}).items() if name != "format"},
            **self.configuration.get("changes", {}),
        )

    def config(self) -> CurateConfig:
        """How it balanced."""
        known = {field.name for field in fields(CurateConfig)}
        return CurateConfig(**{name: value for name, value in self.configuration.items() if name in known})

    def settled_config(self) -> CurateConfig:
        """The same where t stays as it is from now on: in place of a size that chose it stands the t it chose."""
        config = self.config()
        if config.target_size is None and config.keep_share is None:
            return config
        return replace(config, t=reference_t(self.t, config), target_size=None, keep_share=None)

    def stored_t(self) -> dict[str, float]:
        """Threshold by language up to which every row is stored: in the curated table, or above t in the reserve."""
        figures = self.report["languages"]
        return {language: figures[language].get("reserve_t") or t for language, t in self.t.items()}

    def curate_report(self, **changes: Any) -> CurateReport:
        """Its report, with some fields changed."""
        return CurateReport.from_json(json.dumps(self.report), **changes)


def current_run(tables: Tables, version: int | None = None) -> StoredRun:
    """The run whose rows the curated table holds, or held at a version.

    Raises:
        TableError: there is no curated table, or the run that wrote it is not marked as finished.
    """
    writer = curated_writer(tables, version)
    run = finished_curations(tables).get(writer)
    if run is None:
        raise unfinished(tables, writer)
    return run


def curated_writer(tables: Tables, version: int | None = None) -> str:
    """The run, finished or not, that wrote the curated table, as it is or was at a version.

    Raises:
        TableError: there is no curated table.
    """
    writer = tables.writer(CURATED, version)
    if writer is None:
        raise TableError(f"{tables.root} holds no curated table: curate a pool into it first, or name another folder")
    return writer


def unfinished(tables: Tables, writer: str) -> TableError:
    """The error that says so."""
    return TableError(
        f"the rows of {tables.path(CURATED)} are of run {writer}, which is not marked as finished: run the same "
        "command again, which completes it"
    )


def finished_curations(tables: Tables) -> dict[str, StoredRun]:
    """Every finished run that wrote a curated table, by its name."""
    runs = tables.read(RUNS)
    if runs is None:
        return {}
    found = runs.where((runs.stage != COUNT) & (runs.status == "finished")).collect()
    return {row.run_id: _stored(row) for row in found}


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


def rows_of(tables: Tables, run: StoredRun, name: str) -> DataFrame | None:
    """The rows that a finished run left in a table, also after another run that did not finish wrote over them.

    Returns:
        The table at one version, so that the rows stay the same while the table is written; None if there is none, or
        the run wrote none.
    """
    if name not in run.output_versions:
        return None
    version = tables.newest_version(name) if tables.writer(name) == run.run_id else run.output_versions[name]
    return tables.read(name, version=version)


def _stored(row: Row) -> StoredRun:
    return StoredRun(
        run_id=row.run_id,
        stage=row.stage,
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
        report=json.loads(row.report),
    )
