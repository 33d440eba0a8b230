"""Build the Spark session of the command line and the jobs, or use the one that exists.

The library's functions take a session as an argument. Static settings of an existing session are never changed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.address import child_address
from metaclip_spark.host.locale import child_locale
from metaclip_spark.host.packaged_java import child_java_home, java_home
from metaclip_spark.spark.failures.jvm_death import death_of_jvm, forget_jvm
from metaclip_spark.spark.session.check import check_session, listed
from metaclip_spark.spark.session.delta import DELTA_SETTINGS, downloads_jars, jar_settings
from metaclip_spark.spark.session.launch import quiet_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

# Rows live for milliseconds and throughput alone counts: Java's default collector makes the job 10 % slower.
_COLLECTOR: Final = "-XX:+UseParallelGC"
# Spark already checks bounds and nulls. Arrow's own checks per value cost 5 % of the JVM's time. These are
# among the default options because those remain if a user sets others; the collector is not, because Java refuses to
# start with two collectors.
_ARROW_UNCHECKED: Final = "-Darrow.enable_unsafe_memory_access=true -Darrow.enable_null_check_for_get=false"
LOCAL_SETTINGS: Final = {
    # One machine: no name lookup, and no port open to the network.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.driver.extraJavaOptions": _COLLECTOR,
    "spark.executor.extraJavaOptions": _COLLECTOR,
    "spark.driver.defaultJavaOptions": _ARROW_UNCHECKED,
    "spark.executor.defaultJavaOptions": _ARROW_UNCHECKED,
    "spark.ui.enabled": "false",
    # At WARN, Spark prints a page of stack trace if an output does not exist yet.
    "spark.log.level": "ERROR",
    # Delta reads its log with 50 tasks by default: 7 s for a log of one file.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "8",
    # The default of 10,000 rows is slower; 100,000 takes more memory and is not faster.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32768",
}
"""Settings of `build_session` for a local master; the caller's settings override them."""


def build_session(
    *,
    master: str | None = None,
    app_name: str = "metaclip-spark",
    settings: Mapping[str, str] | None = None,
    jars: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> SparkSession:
    """Return the active session if there is one (a notebook, Databricks), else a new one with Delta.

    Args:
        master: Spark master. None leaves it to spark-submit or the environment; without either it is `local[*]`.
        app_name: Name of a new session.
        settings: Spark settings, which override the defaults. For an existing session, settings that can change at
            run time are set, and others must have these values already.
        jars: Folder with Delta's jars, used instead of downloading them. The default is METACLIP_SPARK_JARS of the
            environment.
        progress: Receives a line before a new session is started, and before jars are downloaded.

    Raises:
        EnvironmentProblemError: PySpark, Java, Delta's jars or a setting is missing or wrong; the message says which,
            and what to do.
    """
    active = _active_session()
    with _named_start_errors():
        if active is not None:
            _apply_runtime_settings(active, settings or {})
        elif _jvm_is_ours():
            active = _launch(_new_session_settings(master, dict(settings or {}), jars), app_name, progress)
        else:  # spark-submit or Connect: Java, jars and static settings came with its command line, and are checked
            active = _build(({"spark.master": master} if master else {}) | dict(settings or {}), app_name)
    check_session(active)
    return active


@contextmanager
def _named_start_errors() -> Iterator[None]:
    """Raise what Spark says of a wrong master or setting as an error of this package."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - importing the package must not need pyspark
    from pyspark.errors import PySparkException  # noqa: PLC0415

    from metaclip_spark.spark.job_errors import failure_reason  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError) as failure:
        raise EnvironmentProblemError(
            f"The Spark session cannot be started or set: {failure_reason(failure)}. Correct the master (--master) or "
            "the setting (--spark-conf, or [session] of the --conf file)."
        ) from failure


@contextmanager
def open_session(
    *,
    master: str | None = None,
    settings: Mapping[str, str] | None = None,
    jars: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Iterator[SparkSession]:
    """Build a session for a `with` block and stop it at the end, unless it existed before.

    Raises:
        EnvironmentProblemError: As for `build_session`.
    """
    existed = _active_session() is not None
    from metaclip_spark.spark.job_errors import translated_job_errors  # noqa: PLC0415 - it needs pyspark

    session = build_session(master=master, settings=settings, jars=jars, progress=progress)
    try:
        with translated_job_errors():
            yield session
    finally:
        if not existed:
            _stop(session)


def _stop(session: SparkSession) -> None:
    try:
        session.stop()
    except Exception as failure:
        if death_of_jvm(failure) is None:
            raise
        forget_jvm()


def _active_session() -> SparkSession | None:
    if importlib.util.find_spec("pyspark") is None:
        raise EnvironmentProblemError(
            "pyspark is not installed in this Python. Run pip install 'metaclip-spark[local]' (an extra, so that a "
            "cluster keeps its own Spark)."
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing the package must not need pyspark

    return SparkSession.getActiveSession()


def _new_session_settings(master: str | None, settings: dict[str, str], jars: Path | None) -> dict[str, str]:
    """Return all settings of a session whose JVM this process starts."""
    master = master or settings.get("spark.master") or "local[*]"
    defaults = {"spark.master": master, **DELTA_SETTINGS}
    if master.startswith("local"):
        # Python workers run in this very environment; without this, Spark takes whatever `python3` is on the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        defaults |= LOCAL_SETTINGS
        defaults["spark.ui.showConsoleProgress"] = str(sys.stderr.isatty()).lower()
    return defaults | settings | jar_settings(settings, jars)


def _launch(settings: dict[str, str], app_name: str, progress: Callable[[str], None] | None) -> SparkSession:
    """Return a session in a JVM of this process."""
    home = java_home(os.environ)
    if progress is not None:
        progress(f"Starting Spark on {settings['spark.master']}")
        if downloads_jars(settings):
            progress("Downloading Delta's jars (13 MB, once)")
    with child_java_home(home), child_address(settings["spark.master"]), child_locale():
        return _start(settings, app_name)


def _start(settings: dict[str, str], app_name: str) -> SparkSession:
    """Start a session, and the JVM if this process has none."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415 - importing the package must not need pyspark

    if SparkContext._gateway is not None:  # noqa: SLF001 - the JVM of a stopped session is used again
        return _build(settings, app_name)
    conf = SparkConf().setAppName(app_name).setAll(list(settings.items()))
    with quiet_gateway(conf, settings) as gateway:
        SparkContext(conf=conf, gateway=gateway)
        session = _build(settings, app_name)
        check_session(session)  # here, so that a failure shows what Spark wrote about a missing jar
    return session


def _build(settings: Mapping[str, str], app_name: str) -> SparkSession:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - importing the package must not need pyspark

    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _apply_runtime_settings(spark: SparkSession, settings: Mapping[str, str]) -> None:
    """Set what can be set on a running session; refuse static settings that differ, of which Spark would only warn.

    Raises:
        EnvironmentProblemError: A static setting differs.
    """
    differing = {key: value for key, value in settings.items() if spark.conf.get(key, None) != value}
    static = {key: value for key, value in differing.items() if not spark.conf.isModifiable(key)}
    if static:
        found = {key: str(spark.conf.get(key, None)) for key in static}
        raise EnvironmentProblemError(
            f"The running Spark session has {listed(found)}; {listed(static)} can only be set for a new session. Stop "
            "the session first (spark.stop()), or leave these settings out."
        )
    for key, value in differing.items():
        spark.conf.set(key, value)


def _jvm_is_ours() -> bool:
    """Return whether this process starts the JVM: not under spark-submit, and not as a Spark Connect client."""
    return not any(os.environ.get(variable) for variable in ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"))
