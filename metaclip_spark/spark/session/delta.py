"""Delta Lake in a session: its settings and its jars."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.places import here

if TYPE_CHECKING:
    from collections.abc import Mapping

DELTA_EXTENSION: Final = "io.delta.sql.DeltaSparkSessionExtension"
DELTA_CATALOG: Final = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
DELTA_SETTINGS: Final = {
    "spark.sql.extensions": DELTA_EXTENSION,
    "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
}

JARS_VARIABLE: Final = "METACLIP_SPARK_JARS"
"""Environment variable: folder with Delta's jars, for machines that cannot download them."""

# Delta's transitive jars are 87 MB and shipped to every executor. Spark has these already, which leaves 13 MB.
JARS_IN_SPARK: Final = (
    "com.fasterxml.jackson.core:*",
    "com.fasterxml.jackson.datatype:*",
    "com.github.luben:zstd-jni",
    "com.google.code.findbugs:jsr305",
    "commons-logging:commons-logging",
    "commons-pool:commons-pool",
    "io.airlift:aircompressor",
    "javax.annotation:javax.annotation-api",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.roaringbitmap:*",
    "org.slf4j:slf4j-api",
    "org.xerial.snappy:snappy-java",
)


def delta_package(spark_version: str) -> str:
    """Return the Maven coordinates of the Delta jar for a Spark version.

    >>> delta_package("4.2.0")
    'io.delta:delta-spark_4.2_2.13:4.4.0'

    Delta 4.0, which exists for Spark 4.0 only, does not name the Spark version.
    """
    try:
        version = importlib.metadata.version("delta-spark")
    except importlib.metadata.PackageNotFoundError:
        version = "4.4.0"  # tested with this release
    spark = "" if version.startswith("4.0.") else f"_{'.'.join(spark_version.split('.')[:2])}"
    return f"io.delta:delta-spark{spark}_2.13:{version}"


def jar_settings(settings: Mapping[str, str], jars: Path | None) -> dict[str, str]:
    """Return the settings that give Delta's jars to a new session, beside the jars and packages of the user.

    Args:
        settings: Settings of the user; Delta's jars among them are left to take effect.
        jars: Folder with Delta's jars. None takes METACLIP_SPARK_JARS of the environment, or downloads them.

    Raises:
        EnvironmentProblemError: The folder does not have the jars of one release of Delta.
    """
    files, packages, excluded = (
        [name for name in settings.get(key, "").split(",") if name]
        for key in ("spark.jars", "spark.jars.packages", "spark.jars.excludes")
    )
    folder = here(str(jars)) if jars else (here(os.environ[JARS_VARIABLE]) if os.environ.get(JARS_VARIABLE) else None)
    if folder is not None:
        return {"spark.jars": ",".join([*files, *_jars_in(folder)])}
    if files or any("delta-spark" in package for package in packages):
        return {}
    return {
        "spark.jars.packages": ",".join([delta_package(importlib.metadata.version("pyspark")), *packages]),
        "spark.jars.excludes": ",".join([*JARS_IN_SPARK, *excluded]),
    }


def downloads_jars(settings: Mapping[str, str]) -> bool:
    """Return whether a new session has to download Delta's jars: Ivy does not have them from an earlier session."""
    package = settings.get("spark.jars.packages", "").partition(",")[0]
    if package != delta_package(importlib.metadata.version("pyspark")):
        return False
    group, artifact, version = package.split(":")
    ivy = Path(settings.get("spark.jars.ivy", "~/.ivy2.5.2")).expanduser()
    return not (ivy / "jars" / f"{group}_{artifact}-{version}.jar").exists()


def _jars_in(folder: Path) -> list[str]:
    jars = sorted(str(jar) for jar in folder.glob("*.jar"))
    delta = [name for name in (Path(jar).name for jar in jars) if "delta-spark" in name]
    if not delta:
        raise EnvironmentProblemError(
            f"The jars folder {folder} has {len(jars)} jars, but not delta-spark. On a machine with a network run "
            "`metaclip-spark quickstart --output DIR` once and copy its folder ~/.ivy2.5.2/jars."
        )
    if len(delta) > 1:  # Java would load classes of both and fail anywhere
        package = delta_package(importlib.metadata.version("pyspark"))
        raise EnvironmentProblemError(
            f"The jars folder {folder} has {len(delta)} releases of delta-spark: {', '.join(delta)}. Leave only the "
            f"jars of one, {package}."
        )
    return jars
