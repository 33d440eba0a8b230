"""A run as the table `runs` records it, parsed into typed values."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.core.spacing import SEMANTICS_VERSION
from metaclip_spark.errors import TableError
from metaclip_spark.pools.source import Source
from metaclip_spark.runs.report import CurateReport

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from pyspark.sql import Row

COUNT: Final = "count"
CURATE: Final = "curate"
REBALANCE: Final = "rebalance"
APPEND: Final = "append"

FINISHED: Final = "finished"
RESTARTED: Final = "restarted"


@dataclass(frozen=True)
class StoredRun:
    """A run that wrote a curated table and finished at least once.

    The JSON columns are parsed when they are first used, so that the row of a run under other rules can be named in an
    error even where its JSON has another form.

    Attributes:
        run_id: Identity of the run.
        stage: CURATE, REBALANCE or APPEND.
        status: FINISHED, or RESTARTED if the run was started again and has not finished since.
        finished_at: Time when the run was recorded, UTC.
        seconds: Duration.
        parent_run_id: The run whose result this run uses.
        counts_version: Key of the counts that balanced its rows.
        t: Threshold by language, in matches.
        seed: Seed of the draw.
        semantics_version: Version of the matching and balancing rules.
        draw_version: Version of the draw.
        metadata_digests: SHA-256 of the metadata by language.
        output_versions: Version of each table that the run wrote.
        counters: Rows by outcome.
    """

    run_id: str
    stage: str
    status: str
    finished_at: dt.datetime
    seconds: float
    parent_run_id: str | None
    counts_version: str
    t: Mapping[str, float]
    seed: int
    semantics_version: int
    draw_version: str
    metadata_digests: Mapping[str, str]
    output_versions: Mapping[str, int]
    counters: Mapping[str, int]
    _configuration: str
    _inputs: str
    _report: str

    @classmethod
    def from_row(cls, row: Row) -> StoredRun:
        """Return the run of a row of `runs` whose stage is not COUNT."""
        return cls(
            run_id=row.run_id,
            stage=row.stage,
            status=row.status,
            finished_at=row.finished_at,
            seconds=row.seconds,
            parent_run_id=row.parent_run_id,
            counts_version=row.counts_version,
            t=dict(row.t),
            seed=int(row.seed),
            semantics_version=row.semantics_version,
            draw_version=row.draw_version,
            metadata_digests=dict(row.metadata_digests),
            output_versions=dict(row.output_versions),
            counters=dict(row.counters),
            _configuration=row.configuration,
            _inputs=row.inputs,
            _report=row.report,
        )

    @property
    def is_finished(self) -> bool:
        """Whether all rows of the run have been written."""
        return self.status == FINISHED

    @cached_property
    def report(self) -> CurateReport:
        """The figures that the run reported."""
        return CurateReport.from_dict(json.loads(self._report))

    @cached_property
    def configuration(self) -> Mapping[str, Any]:
        """Meanings of the columns and configuration, as stored; derived runs adopt it."""
        return dict(json.loads(self._configuration))

    @cached_property
    def source(self) -> Source:
        """The files or table versions that the run read."""
        inputs = json.loads(self._inputs)
        return Source(inputs["digest"], {name: value for name, value in inputs.items() if name != "digest"})

    @cached_property
    def pool(self) -> Pool:
        """The pool that the run read, at the version that it read."""
        inputs = self.source.description
        reading = {name: value for name, value in self.configuration.get("reading", {}).items() if name != "format"}
        return Pool(
            paths=tuple(inputs["paths"]),
            columns=PoolColumns(**self.configuration["columns"]),
            format=inputs["format"],
            version=inputs.get("version"),
            name=inputs.get("pool_name", ""),
            skip_unreadable_files="unreadable_files" in inputs,
            **reading,
            **self.configuration.get("changes", {}),
        )

    @cached_property
    def config(self) -> CurateConfig:
        """Configuration of the run."""
        known = {field.name for field in fields(CurateConfig)}
        return CurateConfig(**{name: value for name, value in self.configuration.items() if name in known})

    @property
    def frozen(self) -> bool:
        """Whether frozen counts (of another curation, or from before an append) balanced any of its rows."""
        return bool(self.configuration.get("frozen"))

    def config_with_fixed_t(self) -> CurateConfig:
        """Return the configuration, in which the resulting t replaces a requested size."""
        if self.config.target_size is None and self.config.keep_share is None:
            return self.config
        return replace(self.config, t=self.config.reference_t(self.t), target_size=None, keep_share=None)

    def stored_t(self) -> dict[str, float]:
        """Return the threshold by language up to which every row is stored, in the curated table or the reserve."""
        return {language: self.report.languages[language].reserve_t or t for language, t in self.t.items()}

    def check_rules(self) -> None:
        """Refuse to combine rows of this run with rows under other rules.

        Raises:
            TableError: The run's semantics_version or draw_version is not the one of this package.
        """
        theirs, ours = (self.semantics_version, self.draw_version), (SEMANTICS_VERSION, DRAW_VERSION)
        if theirs != ours:
            raise TableError(
                f"Run {self.run_id} used semantics version {theirs[0]} and draw version {theirs[1]}, but this package "
                f"uses {ours[0]} and {ours[1]}, so its rows cannot be compared, rebalanced or appended to. Curate the "
                "pool again (with overwrite, or into other tables), or use the package version that wrote the run."
            )
