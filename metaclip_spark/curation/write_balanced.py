"""Write rows by their admission threshold: up to t to the curated table, above t to the reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import TableError
from metaclip_spark.tables.schemas import CURATED, LANGUAGE, RESERVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.curation.file_layouts import FileLayouts
    from metaclip_spark.runs.run import Run


def admitted(t: Mapping[str, float]) -> Column:
    """Return the condition that a row's admission threshold is at most the t of its language."""
    threshold = F.col("admission_threshold")
    greatest = max(t.values())
    below = threshold <= F.lit(greatest)  # a condition by which files and row groups can be skipped
    if min(t.values()) == greatest:
        return below
    own = F.element_at(F.create_map(*(F.lit(part) for pair in t.items() for part in pair)), F.col(LANGUAGE.name))
    return below & (threshold <= own)


def write_balanced(run: Run, rows: DataFrame, chosen: ChosenT, layouts: FileLayouts) -> None:
    """Write the rows of one pass to the curated table and, if one is requested, the reserve.

    Two filtered writes of one frame would run the pass twice, and a cached frame counts the statistics twice if an
    executor is lost. So the reserve first receives all rows; those up to t are then copied into the curated table, and
    the reserve is left with the others. A run that fails in between is not recorded as finished, and the next attempt
    starts from its counts.

    Args:
        run: The run.
        rows: Rows with admission thresholds up to the reserve's limit, or up to t without a reserve.
        chosen: Thresholds of the run. Without a limit for the reserve, the reserve of an earlier run is emptied.
        layouts: Layouts of the files.
    """
    if chosen.reserve_t is None:
        run.replace(CURATED, rows, layouts.curated)
        run.empty_reserve(layouts.reserve)
        return
    both = run.replace(RESERVE, rows, layouts.both)
    stored = run.tables.read(RESERVE, version=both.version)
    if stored is None:
        raise TableError(
            f"{run.tables.path(RESERVE)}, which this run has just written, no longer exists. Let no other program "
            "change the tables, and run again."
        )
    run.replace(CURATED, stored.where(admitted(chosen.t)), layouts.curated)
    run.replace(RESERVE, stored.where(~admitted(chosen.t)), layouts.reserve)
