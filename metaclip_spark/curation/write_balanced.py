"""Rows by their admission threshold: up to t in the curated table, those above it in the reserve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError
from metaclip_spark.tables.schemas import CURATED, LANGUAGE, RESERVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.tables.delta_log import Write
    from metaclip_spark.tables.file_layout import FileLayout
    from metaclip_spark.tables.tables import Tables


def within(t: Mapping[str, float]) -> Column:
    """Whether a row is kept at a threshold by language.

    The first condition is one that files and row groups can be skipped by.
    """
    threshold = F.col("admission_threshold")
    greatest = max(t.values())
    below = threshold <= F.lit(greatest)
    if min(t.values()) == greatest:
        return below
    own = F.element_at(F.create_map(*(F.lit(part) for pair in t.items() for part in pair)), F.col(LANGUAGE.name))
    return below & (threshold <= own)


def write_balanced(
    tables: Tables,
    rows: DataFrame,
    chosen: ChosenT,
    *,
    run_id: str,
    layouts: FileLayouts,
    after: Mapping[str, int],
) -> dict[str, Write]:
    """Write the rows of one pass as the curated table and, if there is to be one, the reserve.

    Two filtered writes of one frame would do the pass twice, and a cached frame counts the statistics twice where an
    executor is lost. So the reserve first receives all rows; those up to t are then copied into the curated table, and
    the reserve is left with the others. A run that dies in between is not marked as whole, and is done again from its
    counts.

    Args:
        tables: of the output.
        rows: with admission thresholds up to the reserve's, or up to t without a reserve.
        chosen: the thresholds; without one up to which rows are stored there is no reserve, and that of an earlier
            run is emptied.
        run_id: of the run.
        layouts: of the files.
        after: newest version of each table when the run began; -1 where there was none.

    Returns:
        The commit of each table.
    """

    def write(name: str, content: DataFrame, layout: FileLayout, before: int | None = None) -> Write:
        return tables.replace_table(
            name, content, run_id=run_id, layout=layout, after=after[name] if before is None else before
        )

    if chosen.reserve_t is None:
        writes = {CURATED: write(CURATED, rows, layouts.curated)}
        empty_reserve(tables, run_id=run_id, layout=layouts.reserve, after=after[RESERVE])
        return writes
    both = write(RESERVE, rows, layouts.both).version
    stored = tables.read(RESERVE, version=both)
    if stored is None:
        raise TableError(
            f"{tables.path(RESERVE)}, which this run has just written, is gone: let nobody else change the output, and "
            "run again"
        )
    kept = within(chosen.t)
    return {
        CURATED: write(CURATED, stored.where(kept), layouts.curated),
        RESERVE: write(RESERVE, stored.where(~kept), layouts.reserve, both),
    }


def empty_reserve(tables: Tables, *, run_id: str, layout: FileLayout, after: int) -> None:
    """Take the rows out of a reserve that does not belong to the curated table any more.

    The commit names the run, so that the rows of the run before are still known to be those of the version it left.
    """
    reserve = tables.read(RESERVE)
    if reserve is not None and reserve.take(1):
        empty = replace(layout, cluster=False)
        tables.replace_table(RESERVE, reserve.limit(0), run_id=run_id, layout=empty, after=after)
