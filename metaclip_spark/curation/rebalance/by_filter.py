"""Rebalance by filtering: move rows between the curated table and the reserve by their admission threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.curation.rebalance.rows import rebalance_rows, with_constants
from metaclip_spark.curation.write_balanced import admitted
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.tables_state import rows_of_run
from metaclip_spark.tables.schemas import CURATED, RESERVE

if TYPE_CHECKING:
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.curation.rebalance.target import Target
    from metaclip_spark.runs.run import Run


def rebalance_by_filter(run: Run, target: Target) -> BalanceStatistics:
    """Write the curated table and the reserve from the rows that they contain.

    Returns:
        Figures of the kept rows.

    Raises:
        ConsistencyError: The stored rows do not agree with their counts.
    """
    chosen, layouts = target.chosen, target.layouts()
    rows = rows_of_run(run.tables, target.parent, run.state)
    parts = {CURATED: rows.where(admitted(chosen.t))}
    if chosen.reserve_t is not None:
        parts[RESERVE] = rows.where(admitted(chosen.reserve_t) & ~admitted(chosen.t))
    limit = chosen.reserve_t or chosen.t
    # The table that receives rows is written first, so that every row is in at least one of them at any time.
    rising = any(chosen.t[language] > before for language, before in target.parent.t.items())
    figures = {}
    with balance_on_executors(run.spark, target.counts.entries, chosen.t, target.config.seed, limit) as balance:
        for name in sorted(parts, reverse=not rising):
            figures[name] = statistics_of(run.spark)
            rebalanced = rebalance_rows(parts[name], balance, figures[name])
            rebalanced = with_constants(rebalanced, {"run_id": target.identity.run_id})
            run.replace(name, rebalanced, layouts.curated if name == CURATED else layouts.reserve)
    for name, gathered in figures.items():
        _check_rows(run, target, name, gathered.value)
    if chosen.reserve_t is None:
        run.empty_reserve(layouts.reserve)
    kept: BalanceStatistics = figures[CURATED].value
    return kept


def _check_rows(run: Run, target: Target, name: str, figures: BalanceStatistics) -> None:
    """Compare stored and recomputed thresholds: if the counts had changed, rows would be lost or moved."""
    decided = figures.kept if name == CURATED else figures.matched - figures.kept
    if not decided == figures.matched == run.writes[name].rows:
        raise ConsistencyError(
            f"{figures.matched} stored rows belong in {name} by their admission threshold, {decided} by the counts "
            f"{target.identity.counts_version}, and {run.writes[name].rows} were written: another program changed the "
            "tables. Curate again."
        )
