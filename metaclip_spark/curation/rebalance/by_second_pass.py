"""Rebalance by a second pass: match the pools again and balance them by stored or frozen counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.second_pass import all_rows, reopened_pools, second_pass
from metaclip_spark.curation.write_balanced import write_balanced
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.spark.shared_metadata import SharedMetadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.rebalance.target import Target
    from metaclip_spark.runs.run import Run


def rebalance_by_second_pass(run: Run, target: Target, metadata: Mapping[str, CompiledMetadata]) -> BalanceStatistics:
    """Write the curated table and the reserve from every pool that their rows came from.

    Returns:
        Figures of all matched rows.

    Raises:
        InputError: A pool has changed since it was read, or no longer exists.
        ConsistencyError: Other rows matched than when the pools were counted.
    """
    chosen = target.chosen
    pools = reopened_pools(run.spark, target.chain)
    statistics = statistics_of(run.spark)
    with (
        SharedMetadata(run.spark, metadata) as shared,
        row_bounded_batches(all_rows(pools)),
        balance_on_executors(
            run.spark, target.counts.entries, chosen.t, target.config.seed, chosen.reserve_t
        ) as balance,
    ):
        rows = second_pass(pools, target.identity, target.config, shared=shared, balance=balance, statistics=statistics)
        write_balanced(run, rows, chosen, target.layouts())
    figures: BalanceStatistics = statistics.value
    counted = target.parent.report.matched - target.parent.counters["not_chosen"]
    if figures.matched != counted:
        raise ConsistencyError(
            f"{counted} rows matched when the pools were counted and {figures.matched} now, so a pool changed. The "
            "run is not recorded as finished; run it again when nobody writes to the pool."
        )
    return figures
