"""Temporary changes of a user's session settings, for one read or write.

They affect only speed and memory: the result is the same without them. Where the server of a session does not allow a
setting to be changed, as on serverless Databricks, it keeps its value.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession


@contextmanager
def changed_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Change settings where allowed, and restore them afterwards; those that were unset are unset again."""
    before = {}
    for name, value in settings.items():
        try:
            earlier = spark.conf.get(name, None)
            spark.conf.set(name, value)
        except PySparkException as error:
            if error.getCondition() != "CONFIG_NOT_AVAILABLE":
                raise
        else:
            before[name] = earlier
    try:
        yield
    finally:
        for name, earlier in before.items():
            if earlier is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, earlier)
