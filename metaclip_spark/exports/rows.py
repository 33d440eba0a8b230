"""Curated rows as others read them: Parquet for img2dataset, JSON lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError, TableError
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.runs.tables_state import current_run, stored_runs
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.locations import absolute, located, nearest
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.output_files import check_apart, check_rows_readable, new_folder
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.runs.stored_run import StoredRun

_IMG2DATASET: Final = ("url", "caption", "uid")


def export_img2dataset(
    spark: SparkSession, output: str, target: str, *, columns: Sequence[str] = (), overwrite: bool = False
) -> ExportReport:
    """Curated rows as Parquet for img2dataset: `url` (its default), `caption`, `uid`, and columns to be saved along.

    Rows without URL are left out.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        target: folder to write.
        columns: further columns of the curated table, for img2dataset's `save_additional_columns`.
        overwrite: replace an earlier export.

    Raises:
        InputError: the pool had no URLs.
        ColumnNotFoundError: no such column.
        ConfigError: a column would be there twice, or the target overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    place, run, rows = open_curated(spark, output, target)
    if "image_url" not in rows.columns:
        raise InputError(f"the rows of {output} have no image URL: curate with the pool's URL column named")
    _check_columns(rows, columns, taken=_IMG2DATASET)
    chosen = rows.where(F.length(F.trim("image_url")) > 0).select(
        F.col("image_url").alias("url"), _as_text(rows, "text").alias("caption"), "uid", *map(quoted, columns)
    )
    with translated_job_errors(Tables(spark, output)), new_folder(place, overwrite=overwrite) as path:
        chosen.write.parquet(path)
        written = chosen.count()
        check_rows_readable(spark, path, written, form="parquet", schema=chosen.schema)
        left_out = rows.count() - written
    return ExportReport("img2dataset", place, written, left_out, chosen.columns, run.run_id)


def export_jsonl(
    spark: SparkSession,
    output: str,
    target: str,
    *,
    columns: Sequence[str] | None = None,
    gzip: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Curated rows as JSON lines: one object a line with the same keys in each, in one file per partition.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        target: folder to write.
        columns: of the curated table; None: all of them.
        gzip: compress the files.
        overwrite: replace an earlier export.

    Raises:
        ColumnNotFoundError: no such column.
        ConfigError: a column is named twice, or the target overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    place, run, rows = open_curated(spark, output, target)
    chosen = list(rows.columns if columns is None else columns)
    _check_columns(rows, chosen, taken=())
    lines = rows.select(*(_as_text(rows, name).alias(name) for name in chosen))
    options = {"ignoreNullFields": "false", "compression": "gzip" if gzip else "none"}
    with translated_job_errors(Tables(spark, output)), new_folder(place, overwrite=overwrite) as path:
        lines.write.options(**options).json(path)
        written = rows.count()
        check_rows_readable(spark, path, written, form="json", schema=lines.schema)
    return ExportReport("jsonl", place, written, 0, chosen, run.run_id)


def open_curated(spark: SparkSession, output: str, target: str) -> tuple[str, StoredRun, DataFrame]:
    """The curated table as it is now, with the run that wrote it; what is written meanwhile is not seen.

    Returns:
        The target's location, the run, and its rows.

    Raises:
        ConfigError: the target overlaps with the tables, or with the pool.
        TableError: there is no finished run.
    """
    check_session(spark)
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        if tables.read(CURATED) is None:
            current_run(tables)  # says so
        version = tables.newest_version(CURATED)  # an unversioned table is read anew by each of an export's actions
        run = current_run(tables, version)
        place = located_target(spark, target, tables)
        rows = tables.read(CURATED, version)
        if rows is None:
            raise TableError(f"{tables.path(CURATED)} is gone")
        return place, run, rows


def located_target(spark: SparkSession, target: str, tables: Tables) -> str:
    """Where a target is, checked to be apart from the tables and from every pool that their runs read.

    Raises:
        ConfigError: it overlaps with them, or says nothing of where it is.
    """
    place = located(spark, target)
    read = {path for each in stored_runs(tables).values() for path in each.source.paths}
    folders = [] if tables.folder is None else [tables.folder]
    check_apart(place, (located(spark, absolute(source)) for source in (*folders, *sorted(read))))
    return place


def _check_columns(rows: DataFrame, columns: Sequence[str], *, taken: Sequence[str]) -> None:
    for name in columns:
        if name not in rows.columns:
            near = nearest(name, rows.columns)
            hint = f"; did you mean {near!r}?" if near else ""
            raise ColumnNotFoundError(
                f"the curated table has no column {name!r} (it has {', '.join(rows.columns)}){hint}"
            )
    times = Counter(name.casefold() for name in (*taken, *columns))  # as Spark and Delta compare them
    twice = [name for name in columns if times[name.casefold()] > 1]
    if twice:
        same = next((name for name in taken if name.casefold() == twice[0].casefold()), twice[0])
        raise ConfigError(
            f"column {twice[0]!r} would be in the export twice, beside {same!r} (names are compared without case): "
            "name it once, or not at all"
        )


def _as_text(rows: DataFrame, name: str) -> Column:
    """A column; text and bytes as text, with U+FFFD where they are no UTF-8, as Parquet does not see to it."""
    if isinstance(rows.schema[name].dataType, T.BinaryType | T.StringType):
        return F.make_valid_utf8(quoted(name).cast("string"))
    return quoted(name)
