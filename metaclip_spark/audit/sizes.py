"""Number of rows that each threshold t would keep, read from the stored size curve and entry counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.audit.sizes_report import LanguageSizes, SizePoint, SizesReport
from metaclip_spark.core.balancing.size_curve import upper_edge
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import ENTRY_COUNTS, RUNS, SIZE_CURVE
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from metaclip_spark.runs.stored_run import StoredRun


def sizes(spark: SparkSession, root: str) -> SizesReport:
    """Return how many rows each t would keep with the counts and draws of a curated table.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the tables: a path, or catalog.schema.

    Raises:
        TableError: There is no finished run.
        ConsistencyError: The stored curve belongs to the draws of another run.
    """
    check_session(spark)
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        run = current_run(tables)
        return SizesReport(
            run_id=run.run_id,
            counts_version=run.counts_version,
            seed=run.seed,
            read=run.counters["read"],
            languages={language: _curve(tables, run, language) for language in run.t},
        )


def _curve(tables: Tables, run: StoredRun, language: str) -> LanguageSizes:
    curves, stored_counts = tables.read(SIZE_CURVE), tables.read(ENTRY_COUNTS)
    if curves is None or stored_counts is None:
        raise ConsistencyError(
            f"{tables.root} has lost the table {SIZE_CURVE} or {ENTRY_COUNTS} that run {run.run_id} wrote. Curate the "
            "pool again."
        )
    own = curves.where((curves.counts_version == run.counts_version) & (curves.language == language))
    curve = own.select("threshold_bin", "rows", "run_id", "complete_to").toArrow().sort_by("threshold_bin")
    _check_seed(tables, run, set(curve["run_id"].to_pylist()))
    entries = stored_counts.where(
        (stored_counts.counts_version == run.counts_version) & (stored_counts.language == language)
    )
    counts = np.sort(entries.select("count").toArrow()["count"].to_numpy())
    filled = np.array([upper_edge(number) for number in curve["threshold_bin"].to_pylist()])
    ends = np.concatenate([[0], np.cumsum(curve["rows"].to_numpy())])
    edges = np.union1d(filled, _powers_between(filled))
    figures, t = run.report.languages[language], run.t[language]
    complete_to = curve["complete_to"][0].as_py() if curve.num_rows else None
    if complete_to is not None:  # after an append, rows above the previous threshold are not counted
        edges = edges[edges <= complete_to]
    return LanguageSizes(
        current=_points(counts, [t], [figures.kept])[0],
        matched=int(ends[-1]) if complete_to is None else figures.matched,
        points=_points(counts, edges.tolist(), ends[np.searchsorted(filled, edges, side="right")].tolist()),
    )


def _check_seed(tables: Tables, run: StoredRun, measured_by: set[str]) -> None:
    """Raise if the runs that measured the curve drew with another seed than the current run."""
    runs = tables.read(RUNS)
    seeds = set() if runs is None else {row.seed for row in runs.where(runs.run_id.isin(*measured_by)).collect()}
    if seeds - {str(run.seed)}:
        raise ConsistencyError(
            f"The size curve in {tables.path(SIZE_CURVE)} was measured with seed {', '.join(sorted(seeds))}, but run "
            f"{run.run_id} drew with seed {run.seed}. Curate the pool again with --overwrite."
        )


def _powers_between(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the powers of two from the first edge to one above the last: round numbers, and edges of the grid."""
    if not edges.size:
        return edges
    first, last = np.frexp(edges[[0, -1]])[1].tolist()
    return np.ldexp(1.0, np.arange(first, last + 1))


def _points(counts: NDArray[np.int64], ts: Iterable[float], rows: Iterable[int]) -> list[SizePoint]:
    """Return a point for each t.

    Args:
        counts: Counts > 0 of the entries, ascending.
        ts: Thresholds, in matches.
        rows: Rows kept at each of them.
    """
    matches = [0, *np.cumsum(counts).tolist()]
    points = []
    for t, kept in zip(ts, rows, strict=True):
        tail = int(np.searchsorted(counts, t))
        points.append(SizePoint(t, kept, len(counts) - tail, matches[tail] / matches[-1] if matches[-1] else 0.0))
    return points
