"""Hourly files of page views, `pageviews-YYYYMMDD-HH0000.gz`, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import absolute
from metaclip_spark.spark.session_features import analysed

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
        rows = analysed(spark.read.text(places, recursiveFileLookup=True))
    except (PySparkException, Py4JJavaError) as error:  # the second where the store has no driver, or refuses
        remedy = "name files pageviews-….gz, or folders of them"
        raise InputError(f"cannot read the page views {', '.join(paths)}: {failure_reason(error)}; {remedy}") from error
    if not rows.inputFiles():
        raise InputError(f"there are no files of page views at {', '.join(paths)}")
    return rows.select("value", F.col("_metadata.file_path").alias("file"))
