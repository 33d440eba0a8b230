"""Sessions with a context, and those without: Spark Connect, serverless, shared clusters.

Without one there are no broadcasts, RDDs or accumulators, and what is wrong with a table or a path shows at the first
use of a DataFrame, not where it is made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

WITHOUT_CONTEXT: Final = "METACLIP_SPARK_WITHOUT_CONTEXT"
"""Environment variable: anything but empty takes every session for one without a context."""


# Of each session that was asked, as long as it is there.
_CONTEXTS: Final[WeakKeyDictionary[SparkSession, bool]] = WeakKeyDictionary()


def has_context(spark: SparkSession) -> bool:
    """Whether broadcasts, RDDs and accumulators work: tried once a session, as shared clusters only forbid them."""
    if os.environ.get(WITHOUT_CONTEXT):
        return False
    if spark not in _CONTEXTS:
        _CONTEXTS[spark] = _can_broadcast(spark)
    return _CONTEXTS[spark]


def _can_broadcast(spark: SparkSession) -> bool:
    try:
        spark.sparkContext.broadcast(0).destroy()
    except Exception:  # noqa: BLE001 - Connect, py4j and Databricks each say so in their own way
        return False
    return True


def files_of(frame: DataFrame) -> Sequence[str]:
    """Names of the files that a DataFrame reads; they may be millions, so where they can they stay in the JVM."""
    if has_context(frame.sparkSession):
        return frame._jdf.inputFiles()  # type: ignore[no-any-return]  # noqa: SLF001 - a sequence of py4j's
    return frame.inputFiles()


def parallelism(spark: SparkSession) -> int:
    """Tasks that can run at once; without a context, those that a shuffle is cut into."""
    if has_context(spark):
        return spark.sparkContext.defaultParallelism
    asked = spark.conf.get("spark.sql.shuffle.partitions") or ""
    return int(asked) if asked.isdigit() else 200  # Databricks has "auto", too


def analysed(frame: DataFrame) -> DataFrame:
    """The same DataFrame, its errors raised now."""
    _ = frame.schema
    return frame
