"""The only place that builds a SparkSession, or judges one that the user brings.

`build_session` is for the command line and the jobs; the library's functions take a session as an argument and call
`check_session` on it. Neither changes the static settings of a session that exists.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.address import child_address, host_name_problem
from metaclip_spark.host.packaged_java import child_java_home, java_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
DELTA_SETTINGS = {
    "spark.sql.extensions": DELTA_EXTENSION,
    "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
}

# A catalog of their own that hands Delta tables on to Delta.
DELEGATING_CATALOGS = frozenset({"io.unitycatalog.spark.UCSingleCatalog"})

JARS_VARIABLE = "METACLIP_SPARK_JARS"
"""Environment variable: a folder with Delta's jars, for machines that cannot fetch them."""

# Delta's transitive jars are 87 MB and shipped to every executor; these are in Spark already, which leaves 13 MB.
JARS_IN_SPARK = (
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

# Rows live for milliseconds, and nobody waits for an answer: a tenth of the job's time beside Java's default.
_COLLECTOR = "-XX:+UseParallelGC"
# Spark sizes each Arrow buffer before it writes to it, and asks for nulls before it reads: that Arrow checks both again
# for every value takes a twentieth of the JVM's time. Among the default options, which stay where a user gives others;
# of two collectors Java would take none.
_ARROW_UNCHECKED = "-Darrow.enable_unsafe_memory_access=true -Darrow.enable_null_check_for_get=false"
LOCAL_SETTINGS = {
    # One machine: no name lookup, and no port open to the network.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.driver.extraJavaOptions": _COLLECTOR,
    "spark.executor.extraJavaOptions": _COLLECTOR,
    "spark.driver.defaultJavaOptions": _ARROW_UNCHECKED,
    "spark.executor.defaultJavaOptions": _ARROW_UNCHECKED,
    "spark.ui.enabled": "false",
    # Spark warns, with a page of stack trace, where an output does not exist yet.
    "spark.log.level": "ERROR",
    # Delta reads its log with 50 tasks by default: 7 s for a log of one file.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "8",
    # 10,000 rows, the default, is slower; 100,000 costs memory for nothing.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32768",
}
"""What `build_session` sets for a local master unless told otherwise."""

_OLDEST_SPARK = (4, 0)

# Sessions that have shown that they have it: the command line, and each stage, asks.
_WITH_DELTA: WeakSet[SparkSession] = WeakSet()


def build_session(
    *,
    master: str | None = None,
    app_name: str = "metaclip-spark",
    settings: Mapping[str, str] | None = None,
    jars: Path | None = None,
) -> SparkSession:
    """The active session if there is one (a notebook, Databricks), else a new one with Delta.

    Args:
        master: Spark master; None leaves it to spark-submit or the environment, and is `local[*]` without either.
        app_name: name of a new session.
        settings: Spark settings that win over the defaults. On an existing session only those that can change at run
            time are set.
        jars: folder with Delta's jars, used instead of fetching them; default: the environment's METACLIP_SPARK_JARS.

    Raises:
        EnvironmentProblemError: pyspark, Java, Delta's jars or a setting is missing or wrong; the message says which
            and the remedy.
    """
    settings = dict(settings or {})
    active = _active_session()
    if active is not None:
        _apply_runtime_settings(active, settings)
    elif _jvm_is_ours():
        home = java_home(os.environ)
        new_settings = _new_session_settings(master, settings, jars)
        with child_java_home(home), child_address(new_settings["spark.master"]):
            active = _start(new_settings, app_name)
    else:  # spark-submit or Connect: Java, jars and static settings came with its command line, and are checked below
        active = _build(({"spark.master": master} if master else {}) | settings, app_name)
    check_session(active)
    return active


@contextmanager
def open_session(
    *, master: str | None = None, settings: Mapping[str, str] | None = None, jars: Path | None = None
) -> Iterator[SparkSession]:
    """`build_session` for a `with` block, which stops the session at its end if it was started here.

    Raises:
        EnvironmentProblemError: as `build_session`.
    """
    existed = _active_session() is not None
    session = build_session(master=master, settings=settings, jars=jars)
    try:
        yield session
    finally:
        if not existed:
            session.stop()


def check_session(spark: SparkSession) -> None:
    """Refuse a session that cannot write Delta tables.

    Raises:
        EnvironmentProblemError: Spark is older than 4.0, or settings are missing: all of them are listed, with values.
    """
    version = tuple(int(part) for part in spark.version.split(".")[:2])
    if version < _OLDEST_SPARK:
        raise EnvironmentProblemError(f"the Spark session is version {spark.version}; 4.0 or newer is needed")
    if _is_databricks(spark):  # Delta is built in there, without the settings
        return
    missing = _missing_delta_settings(spark)
    if missing:
        raise EnvironmentProblemError(
            "the Spark session has no Delta Lake, and these settings are read at its start only: "
            f"{_listed(missing)}. Start it with them and with spark.jars.packages={delta_package(spark.version)} "
            "(spark-submit: --conf and --packages), or stop it and let metaclip_spark.spark.session."
            "build_session() make one",
        )
    _check_delta_jar(spark)


def delta_package(spark_version: str) -> str:
    """Maven coordinates of the Delta jar for a Spark version.

    >>> delta_package("4.2.0")
    'io.delta:delta-spark_4.2_2.13:4.4.0'

    Delta 4.0, for Spark 4.0 only, does not name it.
    """
    try:
        version = importlib.metadata.version("delta-spark")
    except importlib.metadata.PackageNotFoundError:
        version = "4.4.0"  # the one that this release is tested with
    spark = "" if version.startswith("4.0.") else f"_{'.'.join(spark_version.split('.')[:2])}"
    return f"io.delta:delta-spark{spark}_2.13:{version}"


def _active_session() -> SparkSession | None:
    if importlib.util.find_spec("pyspark") is None:
        raise EnvironmentProblemError(
            "pyspark is not installed in this Python: pip install 'metaclip-spark[local]' "
            "(an extra, so that a cluster keeps its own Spark)",
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing the package must not need pyspark

    return SparkSession.getActiveSession()


def _new_session_settings(master: str | None, settings: dict[str, str], jars: Path | None) -> dict[str, str]:
    """All settings of a session whose JVM this process starts."""
    master = master or settings.get("spark.master") or "local[*]"
    defaults = {"spark.master": master, **DELTA_SETTINGS}
    if master.startswith("local"):
        # Workers run in this very environment; without it Spark takes whatever `python3` the PATH has.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        defaults |= LOCAL_SETTINGS
        defaults["spark.ui.showConsoleProgress"] = str(sys.stderr.isatty()).lower()
    folder = jars or (Path(os.environ[JARS_VARIABLE]) if os.environ.get(JARS_VARIABLE) else None)
    if folder is not None:
        defaults["spark.jars"] = ",".join(_jars_in(folder))
    elif "spark.jars" not in settings and "spark.jars.packages" not in settings:
        defaults["spark.jars.packages"] = delta_package(importlib.metadata.version("pyspark"))
        defaults["spark.jars.excludes"] = ",".join(JARS_IN_SPARK)
    return defaults | settings


def _jars_in(folder: Path) -> list[str]:
    jars = sorted(str(jar) for jar in folder.glob("*.jar"))
    delta = [name for name in (Path(jar).name for jar in jars) if "delta-spark" in name]
    if not delta:
        raise EnvironmentProblemError(
            f"the jars folder {folder} holds {len(jars)} jars, none of them delta-spark: on a machine with network run "
            "`metaclip-spark quickstart` once and copy the folder ~/.ivy2.5.2/jars from there",
        )
    if len(delta) > 1:  # Java would take classes of both, and fail anywhere
        package = delta_package(importlib.metadata.version("pyspark"))
        raise EnvironmentProblemError(
            f"the jars folder {folder} holds {len(delta)} releases of delta-spark: {', '.join(delta)}. Leave only the "
            f"jars of one, {package}",
        )
    return jars


def _start(settings: dict[str, str], app_name: str) -> SparkSession:
    """Start the JVM; tell a nameless host and Delta's missing jars from other failures, which Spark reports as one."""
    from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415 - importing the package must not need pyspark

    try:
        return _build(settings, app_name)
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        package = settings.get("spark.jars.packages")
        reason = host_name_problem() or (
            f"most often because {package} and what it needs could not be fetched (no network?). Remedy: let this "
            "machine reach a Maven repository once, or name a mirror (spark.jars.ivySettings=FILE), or copy "
            "the folder ~/.ivy2.5.2/jars of a machine where this works and pass it as --jars FOLDER or in the "
            f"environment variable {JARS_VARIABLE}"
            if package
            else "most often over a wrong setting"
        )
        raise EnvironmentProblemError(
            f"Spark's JVM ended before it was ready (its own words are above), {reason}",
        ) from error


def _build(settings: Mapping[str, str], app_name: str) -> SparkSession:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing the package must not need pyspark

    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _apply_runtime_settings(spark: SparkSession, settings: Mapping[str, str]) -> None:
    """Set what can be set on a running session; refuse static settings that differ, where Spark would only warn."""
    differing = {key: value for key, value in settings.items() if spark.conf.get(key, None) != value}
    static = {key: value for key, value in differing.items() if not spark.conf.isModifiable(key)}
    if static:
        found = {key: str(spark.conf.get(key, None)) for key in static}
        raise EnvironmentProblemError(
            f"a Spark session is running with {_listed(found)}; asked for was {_listed(static)}, which only a new "
            "session can have: stop it first (spark.stop()), or leave these settings out",
        )
    for key, value in differing.items():
        spark.conf.set(key, value)


def _missing_delta_settings(spark: SparkSession) -> dict[str, str]:
    extensions = (spark.conf.get("spark.sql.extensions", None) or "").split(",")
    catalog = spark.conf.get("spark.sql.catalog.spark_catalog", None)
    missing = {}
    if DELTA_EXTENSION not in (extension.strip() for extension in extensions):
        missing["spark.sql.extensions"] = ",".join([*filter(None, extensions), DELTA_EXTENSION])
    if catalog not in {DELTA_CATALOG, *DELEGATING_CATALOGS}:
        missing["spark.sql.catalog.spark_catalog"] = DELTA_CATALOG
    return missing


def _check_delta_jar(spark: SparkSession) -> None:
    """The settings name Delta's classes; are they there? Spark itself says so only at the first write."""
    if spark in _WITH_DELTA:
        return
    try:
        # Needs Delta and touches nothing: this path is no table. Works on Spark Connect too.
        spark.sql("DESCRIBE DETAIL delta.`/metaclip-spark-no-such-table`").collect()
    except Exception as error:  # a lacking class comes as one of many kinds, Py4J's and the JVM's
        condition = error.getCondition() if hasattr(error, "getCondition") else type(error).__name__
        if condition == "DELTA_MISSING_DELTA_TABLE":
            _WITH_DELTA.add(spark)
            return
        raise EnvironmentProblemError(
            f"the Spark session names Delta Lake in its settings but cannot use it ({condition}): "
            f"start it with spark.jars.packages={delta_package(spark.version)}, of the same Spark version",
        ) from error


def _jvm_is_ours() -> bool:
    """Whether this process starts the JVM: not under spark-submit, and not as a Spark Connect client."""
    return not any(os.environ.get(variable) for variable in ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"))


def _is_databricks(spark: SparkSession) -> bool:
    return bool(os.environ.get("DATABRICKS_RUNTIME_VERSION")) or bool(
        spark.conf.get("spark.databricks.clusterUsageTags.clusterId", None),
    )


def _listed(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())
