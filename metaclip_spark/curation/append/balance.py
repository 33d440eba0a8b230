"""Second pass of an append: old rows by their stored matches, new rows by matching, all of them in one commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.curation.append.parts import AppendFigures
from metaclip_spark.curation.file_layouts import PoolRows, file_layouts, pool_rows_of, side_by_side
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.rebalance.rows import rebalance_rows, with_constants
from metaclip_spark.curation.second_pass import reopened_pools, second_pass
from metaclip_spark.curation.write_balanced import admitted, write_balanced
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.reopen_pool import pool_readers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.curation.append.parts import AppendBalance, AppendPlan
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.curation.second_pass import NamedPool
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.run import Run
    from metaclip_spark.spark.shared_metadata import SharedMetadata


def balance_old_and_new(run: Run, plan: AppendPlan, balanced: AppendBalance, shared: SharedMetadata) -> AppendFigures:
    """Write the kept old and new rows.

    Raises:
        InputError: An old pool that has to be read again has changed or no longer exists.
        ConsistencyError: The new pool changed between the passes.
    """
    old, new = statistics_of(run.spark), statistics_of(run.spark)
    config, chosen = plan.parent.config, balanced.chosen
    old_pools = reopened_pools(run.spark, plan.chain, plan.columns) if balanced.read_again else []
    with balance_on_executors(run.spark, balanced.counts.entries, chosen.t, config.seed, chosen.reserve_t) as balance:
        new_rows = second_pass([plan.new], plan.identity, config, shared=shared, balance=balance, statistics=new)
        old_rows = plan.stored_rows
        if not plan.frozen:
            read_again = F.col("language").isin(*balanced.read_again)
            old_rows = rebalance_rows(old_rows.where(~read_again) if old_pools else old_rows, balance, old)
        provenance = {"run_id": plan.identity.run_id, "counts_version": plan.identity.counts_version}
        parts = [with_constants(old_rows, provenance), new_rows]
        if old_pools:
            pools = [_of_languages(pool, balanced.read_again) for pool in old_pools]
            parts.append(second_pass(pools, plan.identity, config, shared=shared, balance=balance, statistics=old))
        layouts = _layouts_of_parts(plan, balanced)
        rows, joined = side_by_side(list(zip(parts, layouts, strict=True)), reserve=chosen.reserve_t is not None)
        write_balanced(run, rows, chosen, joined)
    figures = old.value
    old_kept = _stored_kept(plan) if plan.frozen else {name: figures[name].kept for name in chosen.t}
    _check_new_pool(balanced, new.value.matched)
    return AppendFigures(figures, new.value, old_kept)


def _layouts_of_parts(plan: AppendPlan, balanced: AppendBalance) -> list[FileLayouts]:
    """Return layouts for the old rows, the new rows, and the rows of pools that are read again, if there are any."""
    config, counts = plan.parent.config, balanced.counts.entries

    def layouts(sources: Sequence[Source], rows: PoolRows) -> FileLayouts:
        return file_layouts(config, sources, rows, counts, balanced.chosen)

    old_sources = [run.source for run in pool_readers(plan.chain)]
    before, added = pool_rows_of(plan.parent), balanced.added
    stored = before.only(balanced.chosen.t.keys() - set(balanced.read_again))
    new = PoolRows(added.read, added.matched, added.matches)
    again = [layouts(old_sources, before.only(balanced.read_again))] if balanced.read_again else []
    return [layouts(old_sources, stored), layouts([plan.new.opened.source], new), *again]


def _stored_kept(plan: AppendPlan) -> dict[str, int]:
    """Count the old rows of the curated table by language: some may have been deleted since their run."""
    found = plan.stored_rows.where(admitted(plan.parent.t)).groupBy("language").count().collect()
    return dict.fromkeys(plan.parent.t, 0) | {row.language: row["count"] for row in found}


def _of_languages(pool: NamedPool, languages: Sequence[str]) -> NamedPool:
    rows = pool.opened.rows
    if "language" not in rows.columns:  # all rows are in the only language; otherwise the pool would not fit
        return pool
    return pool._replace(opened=replace(pool.opened, rows=rows.where(rows.language.isin(*languages))))


def _check_new_pool(balanced: AppendBalance, seen: int) -> None:
    matched = sum(balanced.added.matched.values())
    if seen != matched:
        raise ConsistencyError(
            f"{matched} rows of the new pool matched in the first pass and {seen} in the second, so it changed. The "
            "run is not recorded as finished; append again when nobody writes to the pool."
        )
