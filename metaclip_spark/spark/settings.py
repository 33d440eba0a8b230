"""Settings of the user's session, changed for as long as one read or write gains by them.

They are for speed and memory alone: the result is the same without them. So where the session's server keeps a setting
to itself, as serverless Databricks does, it stays as it is.
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
    """Within it the settings hold, if they may be changed; afterwards they are as they were, unset ones unset."""
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
