"""Lifecycle of a run: open its tables, time its steps, commit its rows, and record it last."""

from __future__ import annotations

import datetime as dt
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from metaclip_spark.errors import ConsistencyError, MetaclipSparkWarning, TableError
from metaclip_spark.pools.open_pool import check_tables_outside, open_pool
from metaclip_spark.pools.source import identify
from metaclip_spark.runs.record import record, run_row
from metaclip_spark.runs.size_curves import store_size_curves
from metaclip_spark.runs.stored_run import RESTARTED
from metaclip_spark.runs.tables_state import read_state
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_tasks
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED, ENTRY_COUNTS, RESERVE, RUNS, SIZE_CURVE
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.balancing.size_curve import SizeCurve
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.tables_state import TablesState
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.file_layout import FileLayout


class Run:
    """One run over the tables of a root, as a context manager.

    A run that fails at any point can be run again: each table contains an old or a new version, and the run is recorded
    as finished only after all its rows are written. Failures of Spark jobs inside the `with` block are raised as errors
    of this package that name their cause.

        with Run.open(spark, "/data/curated", CURATE, progress=print) as run:
            with run.step("open"):
                opened = run.open_pool(pool)
                run.identify(curation_identity(pool, opened.source, metadata, config))
            with run.step("balance"):
                run.replace(CURATED, rows, layout)
            return run.commit(report, curves)

    Attributes:
        spark: The session.
        tables: The tables under the root.
        stage: COUNT, CURATE, REBALANCE or APPEND, or "metadata", whose steps are timed and errors named as those of
            the others, but which is not recorded in `runs`.
        started_at: Start of the run, UTC.
        writes: The last commit of each table of rows that this run wrote.
        warnings: Warnings for the report, in the order in which they were given.
    """

    def __init__(
        self, spark: SparkSession, root: str, stage: str, *, progress: Callable[[str], None] | None = None
    ) -> None:
        self.spark = spark
        self.tables = Tables(spark, root)
        self.stage = stage
        self.started_at = dt.datetime.now(dt.UTC)
        self.writes: dict[str, Write] = {}
        self.warnings: list[str] = []
        self._progress = Progress(progress, spark, stage)
        self._stack = ExitStack()
        self._opened: list[tuple[Pool, OpenPool]] = []
        self._identity: RunIdentity | None = None
        self._versions: dict[str, int] = {}

    @classmethod
    def open(cls, spark: SparkSession, root: str, stage: str, *, progress: Callable[[str], None] | None = None) -> Self:
        """Return a run over the tables of a root.

        Args:
            spark: A session with Delta.
            root: Root of the tables: a path, or a schema of the catalog (catalog.schema).
            stage: Name of the stage, for the record, the progress lines and Spark's UI.
            progress: Receives a line with figures and seconds at the end of each step.

        Raises:
            EnvironmentProblemError: The session cannot write Delta tables.
            ConfigError: The root is in a catalog but names no schema.
        """
        check_session(spark)
        return cls(spark, root, stage, progress=progress)

    def __enter__(self) -> Self:
        self._stack.enter_context(translated_job_errors(self.tables))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @contextmanager
    def step(self, name: str, *, source: str | None = None) -> Iterator[None]:
        """Time a step, name its Spark jobs after it, and report its progress.

        Args:
            name: Name of the step.
            source: What the step reads, for the error of a failed job, if that is not the pool.
        """
        with ExitStack() as stack:
            if source is not None:
                stack.enter_context(translated_job_errors(self.tables, source=source))
            stack.enter_context(self._progress.step(name))
            stack.enter_context(watched_tasks(self.spark, self._progress))
            yield

    def note(self, figures: str) -> None:
        """Add figures to the progress line of the step that is running."""
        self._progress.note(figures)

    def warn(self, message: str) -> None:
        """Give a warning and keep it for the report."""
        warnings.warn(message, MetaclipSparkWarning, stacklevel=3)
        self.warnings.append(message)

    @cached_property
    def state(self) -> TablesState:
        """State of the tables when the run first read it; everything the run builds on is from this state.

        Raises:
            TableError: Foreign files or tables are in the place of one of the tables.
        """
        self.tables.check_root()
        return read_state(self.tables)

    def open_pool(self, pool: Pool) -> OpenPool:
        """Open a pool that this run reads.

        Raises:
            ConfigError: The tables lie inside the pool.
            InputError: The pool cannot be read, or its columns do not fit.
        """
        check_tables_outside(pool, self.tables.folder)
        opened = open_pool(self.spark, pool)
        self._opened.append((pool, opened))
        self.warnings += opened.source.warnings
        return opened

    @property
    def identity(self) -> RunIdentity:
        """Identity of the run, which `identify` has set."""
        if self._identity is None:
            raise AssertionError("identify() has not been called")
        return self._identity

    def identify(self, identity: RunIdentity) -> None:
        """Set the identity of the run."""
        self._identity = identity

    def finished_report(self) -> CurateReport | None:
        """Return the report of this run if it has finished before and its rows are still those of the curated table."""
        own = self.state.runs.get(self.identity.run_id)
        if own is None or not own.is_finished or self.state.writer != own.run_id:
            return None
        return replace(own.report, already_finished=True)

    def check_replaceable(self, *, overwrite: bool) -> None:
        """Refuse to replace the rows of another run, or to start a run that could not be written.

        Args:
            overwrite: Whether the user wants them replaced.

        Raises:
            TableError: The curated table contains the rows of another run, or the tables cannot be written.
        """
        self.tables.check_writable()
        writer = self.state.writer
        if overwrite or writer is None or writer == self.identity.run_id:
            return
        if writer in self.state.runs:
            self.state.runs[writer].check_rules()
        raise TableError(
            f"{self.tables.path(CURATED)} contains the rows of run {writer}; this is run {self.identity.run_id}, with "
            "another pool, metadata or configuration. Use another root, or overwrite (the old version stays readable "
            "by time travel)."
        )

    def replace(self, name: str, rows: DataFrame, layout: FileLayout) -> Write:
        """Replace all rows of the curated table or the reserve in one commit.

        Before its first commit a run that had finished is marked as restarted, so that a crash between two commits is
        detectable. The rest of its record is kept, because later runs refer to it.

        Raises:
            TableError: Another process has written to the table since this run read its state.
        """
        write = self._replace(name, rows, layout)
        self.writes[name] = write
        return write

    def empty_reserve(self, layout: FileLayout) -> None:
        """Remove the rows of a reserve that no longer belongs to the curated table.

        The commit names this run, so that the version which the previous run left can still be found.
        """
        reserve = self.tables.read(RESERVE)
        if reserve is not None and reserve.take(1):
            self._replace(RESERVE, reserve.limit(0), replace(layout, cluster=False))

    def _replace(self, name: str, rows: DataFrame, layout: FileLayout) -> Write:
        if not self._versions:
            self._versions = self.state.versions
            self._mark_restarted()
        run_id, after = self.identity.run_id, self._versions[name]
        write = self.tables.replace_table(name, rows, run_id=run_id, layout=layout, after=after)
        self._versions[name] = write.version
        return write

    def _mark_restarted(self) -> None:
        own = self.state.runs.get(self.identity.run_id)
        if own is not None and own.is_finished:
            self.tables.update_column(RUNS, "status", RESTARTED, f"run_id = '{own.run_id}'")

    def commit(
        self,
        report: CurateReport,
        curves: Mapping[str, SizeCurve] | None = None,
        *,
        complete_to: Mapping[str, float | None] | None = None,
        parent_run_id: str | None = None,
    ) -> CurateReport:
        """Check what was written, store the size curves, and record the run: the mark that it has finished.

        Args:
            report: Figures of the run; its seconds, warnings, tables and versions are filled in here.
            curves: Size curve by language; None if the stored one is still valid.
            complete_to: Greatest t by language up to which its curve is complete; None if it contains every matched
                row.
            parent_run_id: The run whose result this one uses; None for the run that counted.

        Returns:
            The report as recorded.

        Raises:
            ConsistencyError: A pool has changed while it was read, or the committed rows are not those that were kept.
        """
        with self.step("record"):
            self._check_pools()
            self._check_rows(CURATED, report.counters["kept"])
            if curves is not None:
                store_size_curves(self.tables, self.identity, curves, complete_to)
        written = (*self.writes, ENTRY_COUNTS, SIZE_CURVE, RUNS)
        report = replace(
            report,
            run_id=self.identity.run_id,
            counts_version=self.identity.balanced_by,
            stage=self.stage,
            seconds=dict(self._progress.seconds),
            warnings=[*report.warnings, *self.warnings],
            tables={name: self.tables.path(name) for name in written},
            output_versions={name: write.version for name, write in self.writes.items()},
            reserve_rows=self.writes[RESERVE].rows if RESERVE in self.writes else 0,
        )
        row = run_row(
            self.identity,
            stage=self.stage,
            started_at=self.started_at,
            counters=report.counters,
            output_versions=report.output_versions,
            report=report,
            parent_run_id=parent_run_id or self.identity.balanced_by,
        )
        record(self.tables, row, is_new=self.identity.run_id not in self.state.runs)
        return report

    def _check_pools(self) -> None:
        """Refuse to finish if files changed while they were read; the version of a table cannot change."""
        for pool, opened in self._opened:
            before = opened.source
            if not before.pinned and (now := identify(self.spark, pool)).digest != before.digest:
                raise ConsistencyError(
                    f"The pool {', '.join(pool.paths)} changed while it was read (from {before.description} to "
                    f"{now.description}), so run {self.identity.run_id} is not recorded as finished. Run it again when "
                    "nobody writes to the pool."
                )

    def _check_rows(self, name: str, kept: int) -> None:
        write = self.writes[name]
        if write.rows != kept:
            raise ConsistencyError(
                f"{kept} rows were kept, but version {write.version} of {self.tables.path(name)} has {write.rows}. The "
                "run is not recorded as finished; run it again."
            )
