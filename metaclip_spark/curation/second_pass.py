"""The second pass over one pool or several, with counts that are stored: rows that balancing keeps."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.curation.choose_text import keep_one_text
from metaclip_spark.curation.keep_balanced import Provenance, keep_balanced, with_provenance
from metaclip_spark.runs.reopen_pool import pool_readers, reopen_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.curation.gathered_statistics import Statistics
    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.spark.shared_metadata import SharedMetadata


class NamedPool(NamedTuple):
    """An open pool and its name.

    Attributes:
        name: as recorded with its rows.
        opened: the pool.
    """

    name: str
    opened: OpenPool


def reopened_pools(spark: SparkSession, chain: Sequence[StoredRun]) -> list[NamedPool]:
    """The pools that runs read, as they were then.

    Raises:
        InputError: one has changed since, or is gone.
    """
    return [NamedPool(run.pool.name, reopen_pool(spark, run)) for run in pool_readers(chain)]


def sources_of(chain: Sequence[StoredRun]) -> list[Source]:
    """What each of the pools is that runs read: format, paths, bytes."""
    return [run.source for run in pool_readers(chain)]


def all_rows(pools: Sequence[NamedPool]) -> DataFrame:
    """The rows of all pools; a pool of one language may have no column for it."""
    rows = (pool.opened.rows for pool in pools)
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), rows)


def second_pass(
    pools: Sequence[NamedPool],
    plan: RunPlan,
    shared: SharedMetadata,
    balance: Balance,
    statistics: Statistics,
) -> DataFrame:
    """Rows of all pools that balancing keeps."""
    keep = keep_one_text if plan.configuration["texts_per_image"] == "one_text_per_image" else keep_balanced
    return reduce(
        lambda left, right: left.unionByName(right),
        (
            with_provenance(
                keep(opened.rows, shared, balance, statistics),
                Provenance(name, plan.balanced_by, plan.metadata_digests, plan.run_id),
            )
            for name, opened in pools
        ),
    )
