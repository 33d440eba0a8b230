"""Figures that derived runs read of their parent: its counts, and the threshold up to which its rows are stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.stored_counts import load_counts

if TYPE_CHECKING:
    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.runs.run import Run
    from metaclip_spark.runs.stored_run import StoredRun


def counts_of(run: Run, parent: StoredRun) -> PoolCounts:
    """Return the counts that balanced the rows of a run's parent.

    Raises:
        ConsistencyError: The counts no longer exist, or do not add up.
    """
    if parent.counts_version not in run.state.counts:
        raise ConsistencyError(
            f"The counts {parent.counts_version} of run {parent.run_id} are not recorded. Curate again with overwrite."
        )
    sizes = {name: figures.entries for name, figures in parent.report.languages.items()}
    return load_counts(run.tables, run.state.counts[parent.counts_version], sizes)


def stored_limits(parent: StoredRun, counts: PoolCounts) -> dict[str, float]:
    """Return the threshold by language up to which every matched row is stored; infinite if none is missing.

    No admission threshold is above the count of the row's rarest entry, which is at least 1.

    Args:
        parent: The run that wrote the rows.
        counts: The counts that balanced them.
    """
    return {
        language: math.inf if limit >= max(1, counts.entries[language].max(initial=0)) else limit
        for language, limit in parent.stored_t().items()
    }
