"""Checks that the two passes over a pool agree, before the run is recorded as finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import ConsistencyError

if TYPE_CHECKING:
    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.curation.choose_t import ChosenT


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
