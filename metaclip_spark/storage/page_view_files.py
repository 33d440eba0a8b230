"""Hourly files of page views, `pageviews-YYYYMMDD-HH0000.gz`, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.storage.locations import absolute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession


def open_page_views(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Lines of hourly files.

    Args:
        spark: a session.
        paths: files or folders; any number.

    Returns:
        `value`, a line, and `file`.

    Raises:
        InputError: nothing there.
    """
    places = [absolute(path) for path in paths]
    try:
        rows = spark.read.text(places, recursiveFileLookup=True)
    except AnalysisException as error:
        raise InputError(f"cannot read the page views {', '.join(paths)}: {error.getCondition()}") from None
    if not rows.inputFiles():
        raise InputError(f"there are no files of page views at {', '.join(paths)}")
    return rows.select("value", F.col("_metadata.file_path").alias("file"))
