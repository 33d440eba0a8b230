"""Page views by title: hourly lines are told apart by what becomes of them, those that count are summed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.entries.page_views import LineFate, title_of
from metaclip_spark.spark.arrow_functions import map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, DataFrame

_FIELDS: Final = 4
_TITLES: Final = "fate string, title string, views bigint, lines bigint"
_ARROW_TITLES: Final = pa.schema(
    [("fate", pa.string()), ("title", pa.string()), ("views", pa.int64()), ("lines", pa.int64())]
)


def sort_lines(lines: DataFrame, projects: Sequence[str], least_views: int) -> DataFrame:
    """Lines by fate and file, those that count by title too.

    Args:
        lines: `value`, a line, and `file`.
        projects: names of the wiki, desktop and mobile.
        least_views: that a line needs, before desktop and mobile are added.

    Returns:
        `file`, `fate`, `raw` (null where the line does not count), `views`, `lines`.
    """
    parts = F.split("value", " ")
    views = F.when(F.get(parts, F.lit(2)).rlike(r"^\d{1,15}$"), F.get(parts, F.lit(2)).cast("bigint"))
    well_formed = (F.size(parts) == _FIELDS) & views.isNotNull() & F.get(parts, F.lit(3)).rlike(r"^\d+\r?$")
    sorted_ = lines.select(
        "file",
        F.when(~F.coalesce(well_formed, F.lit(False)), _fate(LineFate.MALFORMED))  # noqa: FBT003 - a literal of SQL
        .when(~F.get(parts, F.lit(0)).isin(*projects), _fate(LineFate.OTHER_PROJECT))
        .when(views < least_views, _fate(LineFate.FEW_VIEWS))
        .otherwise(_fate(LineFate.COUNTED))
        .alias("fate"),
        F.get(parts, F.lit(1)).alias("raw"),
        views.alias("views"),
    )
    counted = F.col("fate") == LineFate.COUNTED.value
    keyed = sorted_.withColumn("raw", F.when(counted, F.col("raw")))
    return keyed.groupBy("file", "fate", "raw").agg(F.sum("views").alias("views"), F.count("*").alias("lines"))


def views_by_title(sorted_lines: DataFrame) -> DataFrame:
    """Views and lines of each title, decoded; of those that are no entries by why.

    Args:
        sorted_lines: of `sort_lines`.

    Returns:
        `fate`, `title` ("" where the fate is not COUNTED), `views`, `lines`.
    """
    counted = sorted_lines.where(F.col("fate") == LineFate.COUNTED.value)
    raw = counted.groupBy("raw").agg(F.sum("views").alias("views"), F.sum("lines").alias("lines"))
    lines = raw.select(F.col("raw").cast("binary").alias("raw"), "views", "lines")
    decoded = map_in_arrow(lines, _decode, _TITLES)
    return decoded.groupBy("fate", "title").agg(F.sum("views").alias("views"), F.sum("lines").alias("lines"))


def most_viewed(titles: DataFrame, *, least: int, most: int | None) -> DataFrame:
    """Titles by views, descending, then by their bytes: `title`, `views`, in order."""
    ordered = titles.where(F.col("views") >= least).orderBy(F.desc("views"), F.asc("title")).select("title", "views")
    return ordered if most is None else ordered.limit(most)


def _fate(fate: LineFate) -> Column:
    return F.lit(fate.value)


def _decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        raws = batch.column("raw").to_pylist()
        fates, titles = (
            zip(*(title_of(raw.decode("utf-8", "replace")) for raw in raws), strict=True) if raws else ((), ())
        )
        columns = [pa.array([fate.value for fate in fates], pa.string()), pa.array(titles, pa.string())]
        yield pa.record_batch([*columns, batch.column("views"), batch.column("lines")], schema=_ARROW_TITLES)
