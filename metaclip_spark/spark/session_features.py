"""Features of a session: whether it has a SparkContext, and what depends on that.

Sessions of Spark Connect, serverless compute and shared clusters have no usable SparkContext: no broadcasts, RDDs or
accumulators. Errors of a table or a path are then raised when a DataFrame is first used, not where it is made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

WITHOUT_CONTEXT: Final = "METACLIP_SPARK_WITHOUT_CONTEXT"
"""Environment variable: if it is not empty, every session is treated as one without a SparkContext."""


# Results by session, as long as the session exists.
_CONTEXTS: Final[WeakKeyDictionary[SparkSession, bool]] = WeakKeyDictionary()


def has_spark_context(spark: SparkSession) -> bool:
    """Return whether broadcasts, RDDs and accumulators work.

    It is tried once per session, because shared clusters forbid them although the session has the attributes.
    """
    if os.environ.get(WITHOUT_CONTEXT):
        return False
    if spark not in _CONTEXTS:
        _CONTEXTS[spark] = _can_broadcast(spark)
    return _CONTEXTS[spark]


def _can_broadcast(spark: SparkSession) -> bool:
    try:
        spark.sparkContext.broadcast(0).destroy()
    except Exception:  # noqa: BLE001 - Connect, py4j and Databricks each raise errors of their own
        return False
    return True


def input_files(frame: DataFrame) -> Sequence[str]:
    """Return the names of the files that a DataFrame reads; in the JVM if possible, as there may be millions."""
    if has_spark_context(frame.sparkSession):
        return frame._jdf.inputFiles()  # type: ignore[no-any-return]  # noqa: SLF001 - a sequence of py4j's
    return frame.inputFiles()


def parallelism(spark: SparkSession) -> int:
    """Return the number of tasks that can run at once; without a SparkContext, the partitions of a shuffle."""
    if has_spark_context(spark):
        return spark.sparkContext.defaultParallelism
    partitions = spark.conf.get("spark.sql.shuffle.partitions") or ""
    return int(partitions) if partitions.isdigit() else 200  # Databricks also has "auto"


def analysed(frame: DataFrame) -> DataFrame:
    """Return the DataFrame after its analysis, which raises its errors now."""
    _ = frame.schema
    return frame
