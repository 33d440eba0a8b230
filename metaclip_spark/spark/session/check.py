"""Check whether a session can write Delta tables, before any work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session.delta import DELTA_CATALOG, DELTA_EXTENSION, delta_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

# A catalog of its own that passes Delta tables on to Delta.
DELEGATING_CATALOGS: Final = frozenset({"io.unitycatalog.spark.UCSingleCatalog"})

_OLDEST_SPARK: Final = (4, 0)

# Sessions that have passed, because the command line and then each stage check the same session.
_WITH_DELTA: Final[WeakSet[SparkSession]] = WeakSet()


def check_session(spark: SparkSession) -> None:
    """Raise if a session cannot write Delta tables.

    Raises:
        EnvironmentProblemError: Spark is older than 4.0, settings are missing (all are listed, with values), or Delta's
            jar is missing.
    """
    version = tuple(int(part) for part in spark.version.split(".")[:2])
    if version < _OLDEST_SPARK:
        raise EnvironmentProblemError(f"The Spark session has version {spark.version}. Use 4.0 or newer.")
    if _is_databricks(spark):  # Delta is built in there, without the settings
        return
    missing = _missing_settings(spark)
    if missing:
        raise EnvironmentProblemError(
            "The Spark session has no Delta Lake, and these settings can only be set when it starts: "
            f"{listed(missing)}. Start it with them and with spark.jars.packages={delta_package(spark.version)} "
            "(spark-submit: --conf and --packages), or stop it and let metaclip_spark.spark.session."
            "build_session() make one."
        )
    _check_jar(spark)


def listed(settings: Mapping[str, str]) -> str:
    """Return settings as KEY=VALUE for a message."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def _missing_settings(spark: SparkSession) -> dict[str, str]:
    extensions = (spark.conf.get("spark.sql.extensions", None) or "").split(",")
    catalog = spark.conf.get("spark.sql.catalog.spark_catalog", None)
    missing = {}
    if DELTA_EXTENSION not in (extension.strip() for extension in extensions):
        missing["spark.sql.extensions"] = ",".join([*filter(None, extensions), DELTA_EXTENSION])
    if catalog not in {DELTA_CATALOG, *DELEGATING_CATALOGS}:
        missing["spark.sql.catalog.spark_catalog"] = DELTA_CATALOG
    return missing


def _check_jar(spark: SparkSession) -> None:
    """Raise if Delta's classes, which the settings name, are missing; Spark would notice only at the first write."""
    if spark in _WITH_DELTA:
        return
    try:
        # Needs Delta and changes nothing, since no table has this path. Works on Spark Connect too.
        spark.sql("DESCRIBE DETAIL delta.`/metaclip-spark-no-such-table`").collect()
    except Exception as error:  # a missing class raises one of many kinds, of Py4J and of the JVM
        condition = error.getCondition() if hasattr(error, "getCondition") else type(error).__name__
        if condition == "DELTA_MISSING_DELTA_TABLE":
            _WITH_DELTA.add(spark)
            return
        raise EnvironmentProblemError(
            f"The settings of the Spark session name Delta Lake, but the session cannot use it ({condition}). Start it "
            f"with spark.jars.packages={delta_package(spark.version)}, which is for this Spark version."
        ) from error


def _is_databricks(spark: SparkSession) -> bool:
    return bool(os.environ.get("DATABRICKS_RUNTIME_VERSION")) or bool(
        spark.conf.get("spark.databricks.clusterUsageTags.clusterId", None)
    )
