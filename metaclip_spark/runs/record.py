"""Rows of the table `runs`, written last: a row is the mark that its run has finished."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import platform
from typing import TYPE_CHECKING, Any

from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.core.spacing import SEMANTICS_VERSION
from metaclip_spark.runs.stored_run import COUNT, FINISHED
from metaclip_spark.spark.progress import log_event
from metaclip_spark.tables.schemas import RUNS, RUNS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.tables.tables import Tables


def run_row(
    identity: RunIdentity,
    *,
    stage: str,
    started_at: dt.datetime,
    counters: Mapping[str, int],
    output_versions: Mapping[str, int],
    report: CurateReport | None = None,
    parent_run_id: str | None = None,
) -> dict[str, Any]:
    """Return the row of a run that finishes now.

    Args:
        identity: Identity of the run.
        stage: Name of the stage; the id of a counting run is its counts version.
        started_at: Start of the run, UTC.
        counters: Rows by outcome.
        output_versions: Version of each table that the run wrote.
        report: Figures of the run; None for counting.
        parent_run_id: The run whose result this one uses; None if it uses none.
    """
    now = dt.datetime.now(dt.UTC)
    is_count = stage == COUNT
    inputs = identity.source.description | {"digest": identity.source.digest, "pool_name": identity.pool.name}
    return {
        "run_id": identity.counts_version if is_count else identity.run_id,
        "parent_run_id": parent_run_id,
        "stage": stage,
        "status": FINISHED,
        "started_at": started_at,
        "finished_at": now,
        "seconds": (now - started_at).total_seconds(),
        "t": {language: figures.t for language, figures in report.languages.items()} if report else None,
        "metadata_digests": dict(identity.metadata_digests),
        "counts_version": identity.counts_version if is_count else identity.balanced_by,
        "seed": str(report.seed) if report else None,
        "semantics_version": SEMANTICS_VERSION,
        "draw_version": DRAW_VERSION if report else None,
        "software": _software(),
        "configuration": json.dumps(identity.configuration, sort_keys=True),
        "inputs": json.dumps(inputs, sort_keys=True),
        "output_versions": dict(output_versions),
        "counters": dict(counters),
        "expected_size": report.expected_size if report else None,
        "expected_deviation": report.expected_deviation if report else None,
        "report": json.dumps(report.as_dict(), sort_keys=True) if report else None,
    }


def record(tables: Tables, *rows: Mapping[str, Any], is_new: bool = False) -> None:
    """Write rows of `run_row` in one commit, in place of earlier rows of the same runs.

    Args:
        tables: Tables that the runs wrote.
        rows: Rows of `run_row`.
        is_new: Whether it is known that none of these runs was recorded when this one began; saves reading the table.
    """
    values = [tuple(row[name] for name in RUNS_SCHEMA.names) for row in rows]
    run_ids = ", ".join(f"'{row['run_id']}'" for row in rows)
    # A run is already recorded if another run replaced its rows and they are now requested again.
    tables.replace_rows(
        RUNS, tables.create_dataframe(values, RUNS_SCHEMA), f"run_id IN ({run_ids})", known_absent=is_new
    )
    logged = ("stage", "status", "run_id", "parent_run_id", "seconds", "counters", "output_versions")
    for row in rows:
        log_event(**{name: row[name] for name in logged})


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("metaclip-spark", "pyspark", "delta-spark", "pyarrow", "numpy", "numba"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # Databricks brings Delta without its Python package
            versions[package] = "not installed as a package"
    return versions
