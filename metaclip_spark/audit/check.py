"""Check a curated table against the run that wrote it: what a schedule asks before anybody trains on it."""

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

_DEVIATIONS: Final = 6.0  # one run in a billion is further off by chance


def check(spark: SparkSession, output: str, *, pool_name: str | None = None, least_rows: int = 1) -> CheckReport:
    """Read the curated table once and hold it against its run.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the tables.
        pool_name: name of a pool that must have rows in the table.
        least_rows: how many rows the table, and that pool, must have.

    Raises:
        TableError: there is no curated table, or its run is not finished.
        ConsistencyError: they do not agree: all differences are listed, with figures.
    """
    check_session(spark)
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        run = current_run(tables)
        version = tables.newest_version(CURATED)
        table = tables.read(CURATED, version)
        if table is None:
            raise AssertionError("a table that was there a moment ago")
        found = _figures(table, run.t)
    rows = sum(of_pool[0] for of_pool in found.values())
    by_pool = {name: of_pool[0] for name, of_pool in found.items()}
    wrong = [
        *_disagreements(run, rows),
        *(f"{count} rows {what}" for count, what in _bad_rows(found) if count),
        *_too_few(rows, "the table", least_rows),
        *(_too_few(by_pool.get(pool_name, 0), f"pool {pool_name!r}", least_rows) if pool_name is not None else ()),
    ]
    if wrong:
        raise ConsistencyError(
            f"{tables.path(CURATED)}, version {version}, is not what run {run.run_id} should have left: "
            f"{'; '.join(wrong)}. Rows by pool: {by_pool}; counters of the run: {dict(run.counters)}"
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
    """By pool: rows, rows without grounds, rows above their language's t; one pass over a few columns."""
    without_grounds = F.expr("false")
    for field in DECISIONS:
        without_grounds |= F.col(field.name).isNull()
    above: Column = F.expr("true")  # of a language that the run does not know
    for language, limit in t.items():
        of_language = F.col(LANGUAGE.name) == language
        above = F.when(of_language, F.col("admission_threshold") > F.lit(limit)).otherwise(above)
    listed = table.groupBy("pool_name").agg(F.count("*"), F.count_if(without_grounds), F.count_if(above)).collect()
    return {row[0]: (row[1], row[2], row[3]) for row in listed}


def _disagreements(run: StoredRun, rows: int) -> Iterator[str]:
    if rows != run.counters["kept"]:
        yield f"{rows} rows, but the run kept {run.counters['kept']}"
    expected, deviation = run.report.expected_size, run.report.expected_deviation
    if expected is None or deviation is None:  # of rows that an append or a re-balance did not read
        return
    # The deviation is of independent draws, but rows of one id share theirs: at worst all of them are kept, or none.
    shared = (run.report.duplicated_ids or {}).get("rows")
    if abs(rows - expected) > _DEVIATIONS * deviation + 1 + (shared or 0):
        told = "whether rows share ids, and so a draw, is not known" if shared is None else f"{shared} rows share ids"
        yield f"{rows} rows, but {expected:.0f} ± {deviation:.0f} are expected ({told})"


def _bad_rows(found: Mapping[str, tuple[int, int, int]]) -> Iterator[tuple[int, str]]:
    yield sum(of_pool[1] for of_pool in found.values()), "without the grounds of their decision"
    yield sum(of_pool[2] for of_pool in found.values()), "above the t of their language"


def _too_few(rows: int, what: str, least: int) -> Iterator[str]:
    if rows < least:
        yield f"{what} has {rows} rows, at least {least} are due"
