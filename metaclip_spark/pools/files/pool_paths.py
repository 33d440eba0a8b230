"""The paths of a pool, checked before its files are listed: a table is read by its log, and what is named is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metaclip_spark.config.pool import TABLE_FORMATS
from metaclip_spark.pools.files.left_out import check_named_files
from metaclip_spark.pools.files.table_logs import are_delta_tables, found_log, table_error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool


def checked_paths(spark: SparkSession, pool: Pool) -> tuple[Pool, tuple[str, ...]]:
    """Return the pool as it is read, and warnings: folders of Delta tables that are named as Parquet are tables.

    Raises:
        InputError: A path is part of a table, or the table is of another kind, or Spark would not read what is named.
    """
    if pool.format in TABLE_FORMATS:
        return pool, ()
    log = found_log(spark, pool.paths)
    if log is None:
        check_named_files(spark, pool.paths)
        return pool, ()
    if pool.format != "parquet" or not are_delta_tables(spark, pool.paths):
        raise table_error(pool, log)
    warning = (
        f"{', '.join(pool.paths)} is read as Delta (--format delta), because its Parquet files may contain rows that "
        "were removed from the table."
    )
    return replace(pool, format="delta", skip_unreadable_files=False), (warning,)
