"""Inspection of tables: sizes, versions, runs and entries, from Delta's log and the small tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.audit.inspect_report import (
    InspectReport,
    LanguageFigures,
    RunFigures,
    TableFigures,
    TableVersion,
)
from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.host.places import catalog_name, is_table_name, name_parts
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.stored_run import FINISHED, StoredRun
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED, RUNS
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession


_TIME: Final = "%Y-%m-%d %H:%M:%S"


def inspect(spark: SparkSession, root: str, *, top: int = 20) -> InspectReport:
    """Return the figures of all tables of a root, or of one of them.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the tables (a path, or catalog.schema), or one table in it.
        top: Maximum number of entries listed by language, those with the highest counts.

    Raises:
        TableError: None of the tables exists, or something else is in their place.
        ConfigError: `top` is negative.
    """
    check_session(spark)
    if top < 0:
        raise ConfigError(f"top = {top} is negative. Pass 0 or more.")
    tables, names = _tables_of(spark, root)
    with translated_job_errors(tables):
        found = [name for name in names if tables.read(name) is not None]
        if not found:
            raise TableError(
                f"{root} contains none of the tables that curate writes ({', '.join(tables.names)}). Pass the root "
                "that curate wrote to."
            )
        writer = tables.writer(CURATED)
        rows = _runs(tables)
        current = next((row for row in rows if row.run_id == writer and row.status == FINISHED), None)
        return InspectReport(
            root=tables.root,
            tables=[_table(tables, name) for name in found],
            runs=[_run(row, is_current=row is current) for row in rows],
            languages=[] if current is None else _languages(tables, StoredRun.from_row(current), top),
            unfinished_run=writer if current is None else None,
        )


def _tables_of(spark: SparkSession, path: str) -> tuple[Tables, tuple[str, ...]]:
    """Return the root of a path, and the table names that it means: all of them, or one if the path names a table."""
    if is_table_name(path):
        *schema, last = name_parts(path) or ()
        above = Tables(spark, catalog_name(*schema))
        if above.folder is None and last in above.names and above.read(last) is not None:
            return above, (last,)
    tables = Tables(spark, path)
    parent, _, last = tables.root.rpartition("/")
    if parent and last in tables.names:
        above = Tables(spark, parent)
        if above.read(last) is not None:
            return above, (last,)
    return tables, tables.names


def _table(tables: Tables, name: str) -> TableFigures:
    extent = tables.extent(name)
    return TableFigures(
        name=name,
        path=tables.path(name),
        rows=extent.rows,
        files=extent.files,
        bytes=extent.bytes,
        versions=extent.versions,
        last_versions=[
            TableVersion(commit.version, commit.timestamp.strftime(_TIME), commit.operation, commit.run_id, commit.rows)
            for commit in extent.commits
        ],
    )


def _runs(tables: Tables) -> list[Row]:
    runs = tables.read(RUNS)
    return [] if runs is None else runs.orderBy(F.desc("finished_at"), "run_id").collect()


def _run(row: Row, *, is_current: bool) -> RunFigures:
    return RunFigures(
        run_id=row.run_id,
        parent_run_id=row.parent_run_id,
        stage=row.stage,
        status=row.status,
        finished_at=row.finished_at.strftime(_TIME),
        seconds=row.seconds,
        t=dict(row.t or {}),
        seed=None if row.seed is None else int(row.seed),
        counts_version=row.counts_version,
        counters=dict(row.counters or {}),
        current=is_current,
    )


def _languages(tables: Tables, run: StoredRun, top: int) -> list[LanguageFigures]:
    counts = count_rows(tables, run.counts_version)
    figures = [
        LanguageFigures(
            language=language,
            report=report,
            top_entries=[
                (row.entry_id, row.entry, row["count"])
                for row in counts.where(counts.language == language)
                .orderBy(F.desc("count"), "entry_id")
                .limit(top)
                .collect()
            ],
        )
        for language, report in run.report.languages.items()
    ]
    return sorted(figures, key=lambda own: (-own.report.matches, own.language))
