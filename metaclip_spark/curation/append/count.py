"""First pass of an append: count the new pool, add the stored counts, and derive the thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.curation.append.parts import AppendBalance
from metaclip_spark.curation.choose_t import ChosenT, language_thresholds, reserve_thresholds
from metaclip_spark.curation.count_pool import count_pool, malformed_warning
from metaclip_spark.curation.parent_counts import counts_of, stored_limits
from metaclip_spark.runs.stored_counts import NewCounts, load_counts, store_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.append.parts import AppendPlan
    from metaclip_spark.runs.run import Run
    from metaclip_spark.spark.shared_metadata import SharedMetadata


def count_and_add(
    run: Run, plan: AppendPlan, shared: SharedMetadata, metadata: Mapping[str, CompiledMetadata]
) -> AppendBalance:
    """Return the counts of all pools together, or the frozen ones, and the thresholds that follow from them.

    Raises:
        InputError: The new pool has no rows, none that can be read, or files with different headers.
        ConsistencyError: The parent's counts no longer exist, or do not add up.
    """
    known, new = run.state.counts, []
    if plan.own.counts_version in known:
        added = load_counts(run.tables, known[plan.own.counts_version], shared.n_entries)
    else:
        added = count_pool(plan.new.opened, plan.own.pool, shared)
        new.append(NewCounts(plan.own, added))
    counts = counts_of(run, plan.parent)
    stored = stored_limits(plan.parent, counts)
    if not plan.frozen:
        counts = counts.plus(added)
        if plan.identity.counts_version not in known:
            new.append(NewCounts(plan.identity, counts, parent=plan.parent.counts_version))
    if new:
        store_counts(run.tables, new, metadata, started_at=run.started_at)
    if (warning := malformed_warning(plan.new.opened, added, plan.own.pool)) is not None:
        run.warn(warning)
    run.note(added.summary())

    config = plan.parent.config_with_fixed_t()
    t = language_thresholds(counts, config, config.t)
    read_again = tuple(name for name in t if t[name] > stored[name])
    by_rule = reserve_thresholds(counts, config)
    # No row is stored above these limits: rows that were dropped earlier are found only if the old pools are read
    # again. A t that follows the tail share may exceed the limit of the rule; rows up to t are kept nevertheless.
    reserve_t = by_rule and {
        name: max(t[name], limit if name in read_again else min(limit, stored[name])) for name, limit in by_rule.items()
    }
    return AppendBalance(added, counts, ChosenT(t, reserve_t), stored, read_again)
