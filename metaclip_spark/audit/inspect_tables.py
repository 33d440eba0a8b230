"""Look at tables of ours: sizes, versions, runs, entries; from Delta's log and small tables, no row of a large one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.audit.inspect_report import EntryFigures, InspectReport, RunFigures, TableFigures, TableVersion
from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.stored_run import FINISHED, StoredRun
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.locations import is_table_name
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED, RUNS
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

_STAMP = "%Y-%m-%d %H:%M:%S"


def inspect(spark: SparkSession, path: str, *, top: int = 20) -> InspectReport:
    """What a root, or one of its tables, holds.

    Args:
        spark: a session with Delta.
        path: root of the tables, or one table below it; then versions are of that table alone.
        top: most entries of the highest counts, by language.

    Raises:
        TableError: there is no table of ours, or something else stands in its place.
        ConfigError: a negative number of entries.
    """
    check_session(spark)
    if top < 0:
        raise ConfigError(f"top = {top}: pass 0 or more")
    tables, names = _named(spark, path)
    with translated_job_errors(tables):
        found = [name for name in names if tables.read(name) is not None]
        if not found:
            raise TableError(
                f"{path} holds none of our tables ({', '.join(tables.names)}): name the folder that curate wrote to"
            )
        writer = tables.writer(CURATED)
        rows = _runs(tables)
        current = next((row for row in rows if row.run_id == writer and row.status == FINISHED), None)
        return InspectReport(
            root=tables.root,
            tables=[_table(tables, name) for name in found],
            runs=[_run(row, is_current=row is current) for row in rows],
            languages=_languages(tables, current, top) if current is not None else [],
            unfinished=writer if current is None else None,
        )


def _named(spark: SparkSession, path: str) -> tuple[Tables, tuple[str, ...]]:
    """The root of a path and the tables meant: all, or the one that the path itself is."""
    if is_table_name(path):
        schema, _, last = path.rpartition(".")
        above = Tables(spark, schema)
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
            TableVersion(
                commit.version, commit.timestamp.strftime(_STAMP), commit.operation, commit.run_id, commit.rows
            )
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
        finished_at=row.finished_at.strftime(_STAMP),
        seconds=row.seconds,
        t=dict(row.t or {}),
        seed=None if row.seed is None else int(row.seed),
        counts_version=row.counts_version,
        counters=dict(row.counters or {}),
        current=is_current,
    )


def _languages(tables: Tables, run: Row, top: int) -> list[EntryFigures]:
    """Head and tail as the run reported them, with the entries of the highest counts."""
    reported = StoredRun.from_row(run).report.languages
    counts = count_rows(tables, run.counts_version)
    figures = [
        EntryFigures(
            language=language,
            t=own.t,
            entries=own.entries,
            head=own.head,
            tail=own.tail,
            never_matched=own.never_matched,
            matches=own.matches,
            head_matches=own.head_matches,
            matched=own.matched,
            kept=own.kept,
            top_entries=[
                (row.entry_id, row.entry, row["count"])
                for row in counts.where(counts.language == language)
                .orderBy(F.desc("count"), "entry_id")
                .limit(top)
                .collect()
            ],
        )
        for language, own in reported.items()
    ]
    return sorted(figures, key=lambda own: (-own.matches, own.language))
