"""Check of a curated table against the run that wrote it, for example before a training job reads the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.audit.check_report import CheckReport
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED, DECISIONS, LANGUAGE
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.runs.stored_run import StoredRun

_DEVIATIONS: Final = 6.0  # one run in a billion is farther from its expected size by chance


def check(spark: SparkSession, root: str, *, pool_name: str | None = None, min_rows: int = 1) -> CheckReport:
    """Read the curated table once and compare it with the figures of its run.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the tables: a path, or catalog.schema.
        pool_name: Pool that must have rows in the table.
        min_rows: Minimum number of rows of the table, and of that pool.

    Raises:
        TableError: There is no curated table, or its run is not finished.
        ConsistencyError: The table and the run disagree. The message lists all differences with their figures.
    """
    check_session(spark)
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        run = current_run(tables)
        version = tables.newest_version(CURATED)
        table = tables.read(CURATED, version)
        if table is None:
            raise AssertionError("the curated table was found a moment ago")
        found = _figures(table, run.t)
    by_pool = {name: figures[0] for name, figures in found.items()}
    rows = sum(by_pool.values())
    differences = [
        *_differences(run, rows),
        *_bad_rows(found),
        *_too_few(rows, "the table", min_rows),
        *(_too_few(by_pool.get(pool_name, 0), f"pool {pool_name!r}", min_rows) if pool_name is not None else ()),
    ]
    if differences:
        raise ConsistencyError(
            f"{tables.path(CURATED)}, version {version}, disagrees with run {run.run_id}: {'; '.join(differences)}. "
            f"Rows by pool: {by_pool}; counters of the run: {dict(run.counters)}"
        )
    return CheckReport(
        run_id=run.run_id,
        curated=tables.path(CURATED),
        version=version,
        rows=rows,
        rows_by_pool=by_pool,
        t=dict(run.t),
        expected_size=run.report.expected_size,
        expected_deviation=run.report.expected_deviation,
        counters=dict(run.counters),
    )


def _figures(table: DataFrame, t: Mapping[str, float]) -> dict[str, tuple[int, int, int]]:
    """Return by pool: rows, rows without decision columns, rows above the t of their language; in one pass."""
    undecided = F.expr("false")
    for field in DECISIONS:
        undecided |= F.col(field.name).isNull()
    above: Column = F.expr("true")  # also for a language that the run does not have
    for language, limit in t.items():
        own = F.col(LANGUAGE.name) == language
        above = F.when(own, F.col("admission_threshold") > F.lit(limit)).otherwise(above)
    listed = table.groupBy("pool_name").agg(F.count("*"), F.count_if(undecided), F.count_if(above)).collect()
    return {row[0]: (row[1], row[2], row[3]) for row in listed}


def _differences(run: StoredRun, rows: int) -> Iterator[str]:
    if rows != run.counters["kept"]:
        yield f"the table has {rows} rows, but the run kept {run.counters['kept']}"
    expected, deviation = run.report.expected_size, run.report.expected_deviation
    if expected is None or deviation is None:  # an append or a rebalance did not read all rows
        return
    # The deviation assumes independent draws, but rows of one id share theirs: all of them are kept, or none.
    shared = (run.report.duplicated_ids or {}).get("rows")
    if abs(rows - expected) > _DEVIATIONS * deviation + 1 + (shared or 0):
        ids = "the run did not check whether rows share ids" if shared is None else f"{shared} rows share ids"
        yield f"the table has {rows} rows, but {expected:.0f} ± {deviation:.0f} are expected ({ids})"


def _bad_rows(found: Mapping[str, tuple[int, int, int]]) -> Iterator[str]:
    undecided, above = (sum(figures[place] for figures in found.values()) for place in (1, 2))
    if undecided:
        yield f"rows with a null in a decision column: {undecided}"
    if above:
        yield f"rows above the t of their language: {above}"


def _too_few(rows: int, what: str, minimum: int) -> Iterator[str]:
    if rows < minimum:
        yield f"{what} has {rows} rows, but the minimum is {minimum}"
