"""Values that the steps of an append pass to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructField

    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.curation.second_pass import NamedPool
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.stored_run import StoredRun


@dataclass(frozen=True)
class AppendPlan:
    """Inputs of an append: the run that it starts from, and the pool that it adds.

    Attributes:
        parent: The run it starts from.
        chain: The runs behind the rows of the parent, and the parent itself, the first curation first.
        identity: Identity of the append.
        own: Identity under which the new pool's own counts are stored.
        new: The new pool.
        frozen: Whether the parent's counts balance the new rows, and all old rows are kept.
        stored_rows: Rows of the parent, in the curated table and the reserve.
        columns: Columns of all rows that come from pools, in types for old and new rows.
    """

    parent: StoredRun
    chain: Sequence[StoredRun]
    identity: RunIdentity
    own: RunIdentity
    new: NamedPool
    frozen: bool
    stored_rows: DataFrame
    columns: Sequence[StructField]


@dataclass(frozen=True)
class AppendBalance:
    """Counts and thresholds that balance all rows.

    Attributes:
        added: Counts of the new pool.
        counts: Counts that balance the rows: of all pools together, or the parent's if they are frozen.
        chosen: Thresholds of the append.
        stored: Threshold by language up to which every old row is stored; infinite if none is missing.
        read_again: Languages whose t has risen above what is stored, for which the old pools are read again.
    """

    added: PoolCounts
    counts: PoolCounts
    chosen: ChosenT
    stored: Mapping[str, float]
    read_again: tuple[str, ...]


@dataclass(frozen=True)
class AppendFigures:
    """Statistics of the rows that were written.

    Attributes:
        old: Rows of the table and of pools that were read again.
        new: Rows of the new pool.
        old_kept: Kept old rows by language.
    """

    old: BalanceStatistics
    new: BalanceStatistics
    old_kept: Mapping[str, int]

    @property
    def kept(self) -> dict[str, int]:
        """Number of kept rows by language, old and new ones together."""
        return {name: rows + self.new[name].kept for name, rows in self.old_kept.items()}
