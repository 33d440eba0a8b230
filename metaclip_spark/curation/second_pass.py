"""Second pass over one or several pools with stored counts: the rows that balancing keeps."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.curation.choose_text import keep_one_text
from metaclip_spark.curation.keep_balanced import Provenance, keep_balanced, with_provenance
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.pools.columns.aligned_rows import aligned_rows, columns_of_all
from metaclip_spark.runs.reopen_pool import pool_readers, reopen_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.curation.gathered_statistics import Statistics
    from metaclip_spark.curation.keep_balanced import Balance
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.spark.shared_metadata import SharedMetadata


class NamedPool(NamedTuple):
    """An open pool and its name, which is recorded with its rows."""

    name: str
    opened: OpenPool


def reopened_pools(
    spark: SparkSession, chain: Sequence[StoredRun], columns: Sequence[StructField] | None = None
) -> list[NamedPool]:
    """Open the pools that the runs of a lineage read, exactly as they read them.

    Args:
        spark: Session that reads.
        chain: Runs of the lineage.
        columns: Columns of the curated table that come from pools, in types for all rows. None: those of these pools.

    Raises:
        InputError: A pool has changed since, or no longer exists.
    """
    opened = [(run.pool.name, reopen_pool(spark, run)) for run in pool_readers(chain)]
    if columns is None:
        columns = columns_of_all([pool.rows.schema for _, pool in opened])
    return [NamedPool(name, replace(pool, rows=aligned_rows(pool.rows, columns))) for name, pool in opened]


def all_rows(pools: Sequence[NamedPool]) -> DataFrame:
    """Return the rows of all pools; a pool of one language may have no language column."""
    rows = (pool.opened.rows for pool in pools)
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), rows)


def second_pass(
    pools: Sequence[NamedPool],
    identity: RunIdentity,
    config: CurateConfig,
    *,
    shared: SharedMetadata,
    balance: Balance,
    statistics: Statistics,
) -> DataFrame:
    """Return the rows of all pools that balancing keeps, with their decision and provenance columns.

    Args:
        pools: Pools with the same columns.
        identity: Identity of the run, recorded with each row.
        config: Configuration; determines whether one text per image is chosen first.
        shared: Metadata on the executors.
        balance: Counts and thresholds on the executors.
        statistics: Receives the figures of all matched rows when the result is written.
    """
    keep = keep_one_text if config.texts_per_image == "one_text_per_image" else keep_balanced
    kept = (
        with_provenance(
            keep(opened.rows, shared, balance, statistics),
            Provenance(name, identity.balanced_by, identity.metadata_digests, identity.run_id),
        )
        for name, opened in pools
    )
    return reduce(lambda left, right: left.unionByName(right), kept)


def check_passes_agree(
    counts: PoolCounts, statistics: BalanceStatistics, config: CurateConfig, chosen: ChosenT
) -> None:
    """Compare the rows that matched in both passes, and the kept rows with the size for which t was chosen.

    Args:
        counts: Counts of the first pass.
        statistics: Figures of the second pass.
        config: With one text per image the second pass may see fewer rows: those that were chosen.
        chosen: Thresholds of the run.

    Raises:
        ConsistencyError: They differ: the pool changed between the passes.
    """
    matched, seen = sum(counts.matched.values()), statistics.matched
    if seen > matched or (seen < matched and config.texts_per_image == "all_pairs"):
        raise ConsistencyError(
            f"{matched} rows matched in the first pass and {seen} in the second, so the pool changed. The run is not "
            "recorded as finished; run it again when nobody writes to the pool."
        )
    if chosen.rows not in {None, statistics.kept}:
        raise ConsistencyError(
            f"t was chosen to keep {chosen.rows} rows, but {statistics.kept} were kept, so the pool changed. The run "
            "is not recorded as finished; run it again when nobody writes to the pool."
        )
