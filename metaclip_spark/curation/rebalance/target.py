"""Where a rebalance starts from and what it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_spark.curation.file_layouts import file_layouts, pool_rows_of
from metaclip_spark.runs.reopen_pool import pool_readers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.stored_run import StoredRun


@dataclass(frozen=True)
class Target:
    """Where a rebalance starts from and what it leads to.

    Attributes:
        parent: The run it starts from.
        chain: The runs behind the rows of the parent, and the parent itself, the first curation first.
        identity: Identity of the rebalance.
        config: Configuration with the new t.
        counts: Rows of the pools by outcome, with the entry counts that balance them: the parent's, or frozen counts.
        chosen: Thresholds of the rebalance.
        by_filter: Whether all rows to keep are stored.
    """

    parent: StoredRun
    chain: Sequence[StoredRun]
    identity: RunIdentity
    config: CurateConfig
    counts: PoolCounts
    chosen: ChosenT
    by_filter: bool

    def layouts(self) -> FileLayouts:
        """Return the layouts of the files to be written."""
        sources = [run.source for run in pool_readers(self.chain)]
        return file_layouts(self.config, sources, pool_rows_of(self.parent), self.counts.entries, self.chosen)
