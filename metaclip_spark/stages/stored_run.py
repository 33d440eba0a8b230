"""The run behind a curated table, read back: what later stages (explain, re-balance, append, inspect) start from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclip_spark.config import Pool, PoolColumns
from metaclip_spark.errors import TableError
from metaclip_spark.storage.schemas import CURATED, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Row

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
        metadata_digests: by language.
        configuration: columns and configuration, as stored.
        inputs: what was read: format, paths, digest, version.
        counters: rows by what became of them.
        report: its figures, as `CurateReport.as_dict` gave them.
    """

    run_id: str
    stage: str
    parent_run_id: str | None
    counts_version: str
    t: Mapping[str, float]
    seed: int
    metadata_digests: Mapping[str, str]
    configuration: Mapping[str, Any]
    inputs: Mapping[str, Any]
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


def current_run(tables: Tables, version: int | None = None) -> StoredRun:
    """The run whose rows the curated table holds, or held at a version.

    Raises:
        TableError: there is no curated table, or the run that wrote it is not marked as finished.
    """
    writer = tables.writer(CURATED, version)
    if writer is None:
        raise TableError(f"{tables.root} holds no curated table: curate a pool into it first, or name another folder")
    runs = tables.read(RUNS)
    found = [] if runs is None else runs.where((runs.run_id == writer) & (runs.status == "finished")).collect()
    if not found:
        raise TableError(
            f"the rows of {tables.path(CURATED)} are of run {writer}, which is not marked as finished: run the same "
            "command again, which completes it"
        )
    return _stored(found[0])


def _stored(row: Row) -> StoredRun:
    return StoredRun(
        run_id=row.run_id,
        stage=row.stage,
        parent_run_id=row.parent_run_id,
        counts_version=row.counts_version,
        t=dict(row.t),
        seed=int(row.seed),
        metadata_digests=dict(row.metadata_digests),
        configuration=json.loads(row.configuration),
        inputs=json.loads(row.inputs),
        counters=dict(row.counters),
        report=json.loads(row.report),
    )
