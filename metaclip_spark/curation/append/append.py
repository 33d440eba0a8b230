"""Append a pool to a curated table: the result equals one run over all pools, but the old pools are not read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.curation.append.balance import balance_old_and_new
from metaclip_spark.curation.append.checks import check_parent, is_appended, joined_columns
from metaclip_spark.curation.append.count import count_and_add
from metaclip_spark.curation.append.parts import AppendPlan
from metaclip_spark.curation.append.report import append_report, appended_curves
from metaclip_spark.curation.metadata_checks import metadata_of_run
from metaclip_spark.curation.second_pass import NamedPool
from metaclip_spark.pools.columns.aligned_rows import aligned_rows
from metaclip_spark.pools.row_bounded_batches import row_bounded_batches
from metaclip_spark.runs.identity import RunIdentity, digest, identity_from_digests
from metaclip_spark.runs.run import Run
from metaclip_spark.runs.stored_run import APPEND
from metaclip_spark.runs.tables_state import lineage, parent_run, rows_of_run
from metaclip_spark.spark.shared_metadata import SharedMetadata
from metaclip_spark.tables.schemas import CURATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.report import CurateReport
    from metaclip_spark.runs.stored_run import StoredRun


def append(
    spark: SparkSession,
    pool: Pool,
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata],
    root: str,
    *,
    frozen: bool = False,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Append another pool to a curated table.

    Counts only grow when a pool is added, so admission thresholds only rise: the old rows to keep are among those that
    are stored. Their thresholds are recomputed from their stored matches and draws, and only the new pool is matched.
    The result is that of one run over all pools, row for row. If the t of a language follows from the tail share and
    rises above the stored limit, the old pools are read again for that language; a reserve avoids this.

    Args:
        spark: A session with Delta.
        pool: The new captions, with the columns of the earlier pools.
        metadata: The metadata that the table was curated with.
        root: Root of the tables: a path, or a schema of the catalog (catalog.schema).
        frozen: Whether to balance the new rows by the stored counts, in which entries that never matched count as 1,
            and to keep all old rows.
        progress: Receives a line with figures and seconds at the end of each step.

    Returns:
        Figures of all pools together, as stored with the run.

    Raises:
        MetaclipSparkError: The pool does not fit the table, is part of it already, or cannot be used. The curated table
            is then unchanged.
    """
    with Run.open(spark, root, APPEND, progress=progress) as run:
        with run.step("open"):
            opened = run.open_pool(pool)
            pool = opened.pool
            parent = parent_run(
                run.tables, run.state, lambda base: _identities(base, pool, opened.source, frozen=frozen)[0].run_id
            )
            chain = lineage(run.state.runs, parent)
            if is_appended(chain, pool, opened.source, frozen=frozen):
                return replace(parent.report, already_finished=True)
            run.tables.check_writable()
            parent.check_rules()
            check_parent(parent, frozen=frozen)
            languages = metadata_of_run(parent, metadata)
            stored_rows = rows_of_run(run.tables, parent, run.state)
            columns = joined_columns(stored_rows, opened)
            opened = replace(opened, rows=aligned_rows(opened.rows, columns))
            identity, own = _identities(parent, pool, opened.source, frozen=frozen)
            run.identify(identity)
            stored_rows = aligned_rows(stored_rows, columns)
            plan = AppendPlan(parent, chain, identity, own, NamedPool(pool.name, opened), frozen, stored_rows, columns)

        with SharedMetadata(spark, languages) as shared, row_bounded_batches(opened.rows):
            with run.step("count"):
                balance = count_and_add(run, plan, shared, languages)
            with run.step("balance"):
                figures = balance_old_and_new(run, plan, balance, shared)
                run.note(f"{run.writes[CURATED].rows:,} rows kept at {balance.chosen},")

        report = append_report(plan, balance, figures, languages)
        curves, complete_to = appended_curves(run, plan, balance, figures)
        return run.commit(report, curves, complete_to=complete_to, parent_run_id=parent.run_id)


def _identities(parent: StoredRun, pool: Pool, source: Source, *, frozen: bool) -> tuple[RunIdentity, RunIdentity]:
    """Return the identity of the append, and the identity under which the new pool's own counts are stored."""
    own = identity_from_digests(pool, source, parent.metadata_digests, parent.config_with_fixed_t())
    appended = replace(
        own,
        run_id=digest({"stage": APPEND, "parent": parent.run_id, "added": own.run_id, "frozen": frozen}),
        counts_version=(
            parent.counts_version if frozen else digest({"counts": parent.counts_version, "added": own.counts_version})
        ),
        configuration=own.configuration | {"frozen": frozen or parent.frozen},
    )
    return appended, own
