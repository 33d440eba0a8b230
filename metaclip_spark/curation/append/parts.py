"""What the steps of an append hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.curation.second_pass import NamedPool
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.runs.stored_run import Found, StoredRun


@dataclass(frozen=True)
class Appended:
    """An append under way.

    Attributes:
        base: the run it starts from.
        chain: the runs behind the base, and itself, the first curation first.
        plan: its own identity.
        own: identity of the new pool's own counts.
        new: the new pool.
        frozen: the base's counts balance the new rows; the old ones stay as they are.
        found: in the output.
        stored: the base's rows, of the curated table and the reserve.
    """

    base: StoredRun
    chain: Sequence[StoredRun]
    plan: RunPlan
    own: RunPlan
    new: NamedPool
    frozen: bool
    found: Found
    stored: DataFrame


@dataclass(frozen=True)
class Balanced:
    """What balances all rows.

    Attributes:
        added: counts of the new pool.
        counts: that balance: of all pools together, or the base's if they are frozen.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
        stored: threshold by language up to which every old row is stored; infinite where none is missing.
        read_again: languages whose t has risen above what is stored, so that the old pools are read again for them.
    """

    added: PoolCounts
    counts: PoolCounts
    t: Mapping[str, float]
    reserve_t: Mapping[str, float] | None
    stored: Mapping[str, float]
    read_again: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """Statistics of the rows that were written.

    Attributes:
        old: rows of the table and of pools read again.
        new: rows of the new pool.
        old_kept: of the old rows, those that stay, by language.
    """

    old: BalanceStatistics
    new: BalanceStatistics
    old_kept: Mapping[str, int]
