"""Pools that earlier runs read, opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import InputError
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.runs.stored_run import REBALANCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import SparkSession

    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.runs.stored_run import StoredRun


def pool_readers(chain: Iterable[StoredRun]) -> list[StoredRun]:
    """Return the runs of a lineage that read a pool of their own: all but rebalances."""
    return [run for run in chain if run.stage != REBALANCE]


def reopen_pool(spark: SparkSession, run: StoredRun) -> OpenPool:
    """Open the pool of a run exactly as the run read it.

    Raises:
        InputError: The pool has changed since, or no longer exists.
    """
    opened = open_pool(spark, run.pool)
    if opened.source.digest != run.source.digest:
        raise InputError(
            f"The pool {', '.join(run.source.paths)} has changed since run {run.run_id} read it (from "
            f"{run.source.description} to {opened.source.description}), so the stored counts no longer describe it. "
            "Restore the pool, or curate it again."
        )
    return opened
