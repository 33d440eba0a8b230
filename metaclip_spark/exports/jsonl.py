"""Export of curated rows as JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.exports.curated_rows import as_text, check_columns, open_curated
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.tables.output_files import check_rows_readable, new_folder
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession


def export_jsonl(
    spark: SparkSession,
    root: str,
    output: str,
    *,
    columns: Sequence[str] | None = None,
    gzip: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Write the curated rows as JSON lines: one object per line, with the same keys in each, one file per partition.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the run's tables: a path, or catalog.schema.
        output: Folder to write.
        columns: Columns of the curated table. None: all of them.
        gzip: If True, compress the files.
        overwrite: If True, replace an earlier export.

    Raises:
        ColumnNotFoundError: The curated table does not have one of the columns.
        ConfigError: A column is named twice, or the output overlaps with the tables or a pool.
        TableError: There is no finished run, or the output exists.
    """
    place, run, rows = open_curated(spark, root, output)
    chosen = list(rows.columns if columns is None else columns)
    check_columns(rows, chosen, taken=())
    lines = rows.select(*(as_text(rows, name).alias(name) for name in chosen))
    options = {"ignoreNullFields": "false", "compression": "gzip" if gzip else "none"}
    with translated_job_errors(Tables(spark, root)), new_folder(place, overwrite=overwrite) as path:
        lines.write.options(**options).json(path)
        written = rows.count()
        check_rows_readable(spark, path, written, form="json", schema=lines.schema)
    return ExportReport("jsonl", place, written, 0, chosen, run.run_id)
