"""Page views, hourly or of `pageview_complete` (daily): lines by their fate, and views by title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.entries.page_views import LineFate, day_given_twice, other_form, title_of
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.sources.source_files import MAX_MALFORMED, open_text
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.locations import same_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

_HOURLY, _DAILY = 4, 6
"""Numbers of fields of a line."""

_EXPECTED: Final = "hourly files pageviews-….gz, daily files pageviews-…-user.bz2, or folders of them"
_EXAMPLES: Final = 3
_TITLES: Final = "fate string, title string, views bigint, lines bigint"
_ARROW_TITLES: Final = pa.schema(
    [("fate", pa.string()), ("title", pa.string()), ("views", pa.int64()), ("lines", pa.int64())]
)


def open_page_views(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Open hourly or daily files.

    Args:
        spark: A session.
        paths: Files or folders.

    Returns:
        `value` (a line) and `file`.

    Raises:
        InputError: No file can be read, or a file's name shows that it has another form.
    """
    lines = open_text(spark, paths, what="page views", expected=_EXPECTED)
    forms = {file: other_form(file.rpartition("/")[2]) for file in sorted(lines.inputFiles())}
    others = [file for file, form in forms.items() if form]
    if others:
        raise InputError(
            f"Of {len(forms)} files of page views {len(others)} have another form: {others[0]} has {forms[others[0]]}. "
            f"Pass {_EXPECTED}."
        )
    day = day_given_twice(file.rpartition("/")[2] for file in forms)
    if day:
        raise InputError(
            f"The page views of {day} are given twice, by hours and for the day. Pass the hourly files of this day, or "
            "its daily file."
        )
    return lines


def sort_lines(lines: DataFrame, projects: Sequence[str], min_line_views: int) -> DataFrame:
    """Group lines by fate and file; counted lines also by title.

    Args:
        lines: `value` (a line) and `file`.
        projects: Names of the wikis in the files, as `projects_of` returns them.
        min_line_views: Views that a line needs, before desktop and mobile are added.

    Returns:
        `file`, `fate`, `raw` (the title as written; null if the line is not counted), `views`, `lines`.
    """
    parts = F.split("value", " ")
    is_daily = F.size(parts) == _DAILY
    number = F.when(is_daily, F.get(parts, F.lit(4))).otherwise(F.get(parts, F.lit(2)))
    views = F.when(number.rlike(r"^\d{1,15}$"), number.cast("bigint"))
    hourly_end, daily_end = (
        F.get(parts, F.lit(3)).rlike(r"^\d+\r?$"),
        F.get(parts, F.lit(5)).rlike(r"^(?:[A-X]\d+)+\r?$"),
    )
    has_form = (is_daily & daily_end) | ((F.size(parts) == _HOURLY) & hourly_end)
    well_formed = has_form & views.isNotNull()
    sorted_ = lines.select(
        "file",
        F.when(~F.coalesce(well_formed, F.lit(False)), _fate(LineFate.MALFORMED))  # noqa: FBT003 - a literal of SQL
        .when(~F.get(parts, F.lit(0)).isin(*projects), _fate(LineFate.OTHER_PROJECT))
        .when(views < min_line_views, _fate(LineFate.FEW_VIEWS))
        .otherwise(_fate(LineFate.COUNTED))
        .alias("fate"),
        F.get(parts, F.lit(1)).alias("raw"),
        views.alias("views"),
    )
    counted = F.col("fate") == LineFate.COUNTED.value
    keyed = sorted_.withColumn("raw", F.when(counted, F.col("raw")))
    return keyed.groupBy("file", "fate", "raw").agg(F.sum("views").alias("views"), F.count("*").alias("lines"))


def views_by_title(sorted_lines: DataFrame) -> DataFrame:
    """Decode the titles of counted lines and add up their views.

    Args:
        sorted_lines: The result of `sort_lines`.

    Returns:
        `fate`, `title` ("" unless the fate is COUNTED), `views`, `lines`.
    """
    counted = sorted_lines.where(F.col("fate") == LineFate.COUNTED.value)
    raw = counted.groupBy("raw").agg(F.sum("views").alias("views"), F.sum("lines").alias("lines"))
    lines = raw.select(F.col("raw").cast("binary").alias("raw"), "views", "lines")
    decoded = map_in_arrow(lines, _decode, _TITLES)
    return decoded.groupBy("fate", "title").agg(F.sum("views").alias("views"), F.sum("lines").alias("lines"))


def most_viewed(titles: DataFrame, *, min_views: int, limit: int | None) -> DataFrame:
    """Return titles by views, descending, then by UTF-8 bytes: `title`, `views`."""
    enough = titles.where(F.col("views") >= min_views)
    ordered = enough.orderBy(F.desc("views"), F.asc("title")).select("title", "views")
    return ordered if limit is None else ordered.limit(limit)


def line_figures(sorted_lines: DataFrame, titles: DataFrame, files: Sequence[str]) -> dict[str, float | None]:
    """Count the lines by fate.

    Args:
        sorted_lines: The result of `sort_lines`.
        titles: The result of `views_by_title`.
        files: Locations of all files read.

    Raises:
        InputError: A file is empty, or most of its lines are malformed.
    """
    by_file: dict[str, dict[str, int]] = {}
    for row in sorted_lines.groupBy("file", "fate").agg(F.sum("lines").alias("lines")).collect():
        by_file.setdefault(row.file, {})[row.fate] = row.lines
    _check_files(by_file, files)
    figures: dict[str, float | None] = {}
    for fates in by_file.values():
        for fate, lines in fates.items():
            if fate != LineFate.COUNTED.value:
                figures[f"lines {fate}"] = (figures.get(f"lines {fate}") or 0) + lines
    for row in titles.groupBy("fate").agg(F.sum("lines").alias("lines")).collect():
        figures[f"lines {row.fate}"] = row.lines
    return figures


def _check_files(lines_by_file: dict[str, dict[str, int]], files: Sequence[str]) -> None:
    for file, fates in sorted(lines_by_file.items()):
        malformed, lines = fates.get(LineFate.MALFORMED.value, 0), sum(fates.values())
        if malformed > MAX_MALFORMED * lines:
            raise InputError(
                f"{file} is not a file of page views: {malformed:,} of its {lines:,} lines are neither `project "
                "title views bytes` (hourly) nor `project title page_id access views hourly_views` (daily). If an "
                "error page was saved in its place, download the file again."
            )
    filled = {same_name(file) for file in lines_by_file}
    empty = sorted(file for file in files if same_name(file) not in filled)
    if empty:
        more = ", …" if len(empty) > _EXAMPLES else ""
        raise InputError(
            f"Of {len(files)} files of page views {len(empty)} are empty ({', '.join(empty[:_EXAMPLES])}{more}). "
            "Download them again."
        )


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
