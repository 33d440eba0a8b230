"""Curated rows as others read them: Parquet for img2dataset, JSON lines."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.errors import ColumnNotFoundError, ConfigError, InputError, TableError
from metaclip_spark.report.export_report import ExportReport
from metaclip_spark.session import check_session
from metaclip_spark.stages.stored_run import current_run
from metaclip_spark.stages.worker_errors import named_worker_errors
from metaclip_spark.storage.columns import quoted
from metaclip_spark.storage.export_target import new_folder, refuse_sources
from metaclip_spark.storage.schemas import CURATED
from metaclip_spark.storage.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.stages.stored_run import StoredRun

_IMG2DATASET: Final = ("url", "caption", "uid")


def export_img2dataset(
    spark: SparkSession, output: str, target: str, *, columns: Sequence[str] = (), overwrite: bool = False
) -> ExportReport:
    """Curated rows as Parquet for img2dataset: `url` (its default), `caption`, `uid`, and columns to be saved along.

    Rows without URL are left out.

    Args:
        spark: a session with Delta.
        output: root path of the run's tables.
        target: folder to write.
        columns: further columns of the curated table, for img2dataset's `save_additional_columns`.
        overwrite: replace an earlier export.

    Raises:
        InputError: the pool had no URLs.
        ColumnNotFoundError: no such column.
        ConfigError: a column would be there twice, or the target overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    run, rows = open_curated(spark, output, target)
    if "image_url" not in rows.columns:
        raise InputError(f"the rows of {output} have no image URL: curate with the pool's URL column named")
    _check_columns(rows, columns, taken=_IMG2DATASET)
    chosen = rows.where(F.length(F.trim("image_url")) > 0).select(
        F.col("image_url").alias("url"), _as_text(rows, "text").alias("caption"), "uid", *map(quoted, columns)
    )
    with named_worker_errors(), new_folder(target, overwrite=overwrite) as (path, mode):
        chosen.write.mode(mode).parquet(path)
        written = spark.read.parquet(path).count()  # from the files' footers
    return ExportReport("img2dataset", target, written, rows.count() - written, chosen.columns, run.run_id)


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
        output: root path of the run's tables.
        target: folder to write.
        columns: of the curated table; None: all of them.
        gzip: compress the files.
        overwrite: replace an earlier export.

    Raises:
        ColumnNotFoundError: no such column.
        ConfigError: a column is named twice, or the target overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    run, rows = open_curated(spark, output, target)
    chosen = list(rows.columns if columns is None else columns)
    _check_columns(rows, chosen, taken=())
    lines = rows.select(*(_as_text(rows, name).alias(name) for name in chosen))
    options = {"ignoreNullFields": "false", "compression": "gzip" if gzip else "none"}
    with named_worker_errors(), new_folder(target, overwrite=overwrite) as (path, mode):
        lines.write.mode(mode).options(**options).json(path)
    return ExportReport("jsonl", target, rows.count(), 0, chosen, run.run_id)


def open_curated(spark: SparkSession, output: str, target: str) -> tuple[StoredRun, DataFrame]:
    """The curated table as it is now, with the run that wrote it; what is written meanwhile is not seen.

    Raises:
        ConfigError: the target overlaps with the tables, or with the pool.
        TableError: there is no finished run.
    """
    check_session(spark)
    tables = Tables(spark, output)
    if tables.read(CURATED) is None:
        current_run(tables)  # says so
    version = tables.newest_version(CURATED)  # an unversioned table is read anew by each of an export's actions
    run = current_run(tables, version)
    refuse_sources(target, [tables.root, *run.inputs["paths"]])
    rows = tables.read(CURATED, version)
    if rows is None:
        raise TableError(f"{tables.path(CURATED)} is gone")
    return run, rows


def _check_columns(rows: DataFrame, columns: Sequence[str], *, taken: Sequence[str]) -> None:
    for name in columns:
        if name not in rows.columns:
            near = difflib.get_close_matches(name, rows.columns, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ColumnNotFoundError(
                f"the curated table has no column {name!r} (it has {', '.join(rows.columns)}){hint}"
            )
    twice = [name for name in columns if [*columns, *taken].count(name) > 1]
    if twice:
        raise ConfigError(f"column {twice[0]!r} would be in the export twice: name it once, or not at all")


def _as_text(rows: DataFrame, name: str) -> Column:
    """A column; text and bytes as text, with U+FFFD where they are no UTF-8, as Parquet does not see to it."""
    if isinstance(rows.schema[name].dataType, T.BinaryType | T.StringType):
        return F.make_valid_utf8(quoted(name).cast("string"))
    return quoted(name)
