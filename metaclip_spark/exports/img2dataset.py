"""Export of curated rows as Parquet for img2dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.exports.curated_rows import as_text, check_columns, open_curated
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.tables.output_files import check_rows_readable, new_folder
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

_COLUMNS: Final = ("url", "caption", "uid")


def export_img2dataset(
    spark: SparkSession, root: str, output: str, *, columns: Sequence[str] = (), overwrite: bool = False
) -> ExportReport:
    """Write the curated rows that have a URL as Parquet files with `url`, `caption`, `uid` and further columns.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the run's tables: a path, or catalog.schema.
        output: Folder to write.
        columns: Further columns of the curated table, for img2dataset's option `save_additional_columns`.
        overwrite: If True, replace an earlier export.

    Raises:
        InputError: The rows have no URLs.
        ColumnNotFoundError: The curated table does not have one of the columns.
        ConfigError: A column would be in the export twice, or the output overlaps with the tables or a pool.
        TableError: There is no finished run, or the output exists.
    """
    place, run, rows = open_curated(spark, root, output)
    if "image_url" not in rows.columns:
        raise InputError(f"The rows of {root} have no image URL. Curate the pool with its URL column named.")
    check_columns(rows, columns, taken=_COLUMNS)
    chosen = rows.where(F.length(F.trim("image_url")) > 0).select(
        F.col("image_url").alias("url"), as_text(rows, "text").alias("caption"), "uid", *map(quoted, columns)
    )
    with translated_job_errors(Tables(spark, root)), new_folder(place, overwrite=overwrite) as path:
        chosen.write.parquet(path)
        written = chosen.count()
        check_rows_readable(spark, path, written, form="parquet", schema=chosen.schema)
        left_out = rows.count() - written
    return ExportReport("img2dataset", place, written, left_out, chosen.columns, run.run_id)
