"""Names of Spark's jobs, so that its UI reads as the recipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from metaclip_spark.spark.session_kind import has_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

_GROUP: Final = "spark.jobGroup.id"
_DESCRIPTION: Final = "spark.job.description"


@contextmanager
def named_jobs(spark: SparkSession, group: str, description: str) -> Iterator[None]:
    """Within it, jobs of this thread carry a description, and a group unless the session's user has set one.

    A group that is there belongs to who cancels by it: Databricks does, for each cell of a notebook. Without a context
    the jobs get a tag instead.
    """
    if not has_context(spark):
        with _tagged(spark, f"{group}: {description}".replace(",", ";")):
            yield
        return
    context = spark.sparkContext
    before = {name: context.getLocalProperty(name) for name in (_GROUP, _DESCRIPTION)}
    context.setLocalProperty(_GROUP, before[_GROUP] or group)
    context.setLocalProperty(_DESCRIPTION, f"{group}: {description}")
    try:
        yield
    finally:
        for name, value in before.items():
            context.setLocalProperty(name, value)  # type: ignore[arg-type]  # None unsets it


@contextmanager
def _tagged(spark: SparkSession, tag: str) -> Iterator[None]:
    spark.addTag(tag)
    try:
        yield
    finally:
        spark.removeTag(tag)
