"""Death of Spark's JVM while it is used: py4j then reports a refused connection, which says nothing about the cause."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.failures.memory_limits import raise_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LAST_SECONDS: Final = 10.0  # a JVM that ends stops its SparkContext first
_STOPPED: Final = ("SparkContext was shut down", "stopped SparkContext", "SparkContext has been shutdown", "SparkEnv.")
_OUT_OF_MEMORY_EXIT: Final = 52  # Spark's SparkExitCode.OOM
_KILLED: Final = -9
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
# Of the JVM that this process launched; the JVM itself can no longer be asked.
_settings: dict[str, str] = {}
_last_words: list[Callable[[], str]] = []


def remember_launch(settings: Mapping[str, str], last_words: Callable[[], str]) -> None:
    """Keep what an error about the JVM's death has to say.

    Args:
        settings: Settings with which the JVM was launched.
        last_words: Function that returns the last output of the JVM.
    """
    _settings.clear()
    _settings.update(settings)
    _last_words[:] = [last_words]


def death_of_jvm(failure: Exception) -> EnvironmentProblemError | None:
    """Return the error for a failure whose cause is that the JVM has ended; None if the JVM lives.

    Args:
        failure: Any exception raised while the session was used.
    """
    from py4j.protocol import Py4JError, Py4JJavaError  # noqa: PLC0415 - importing the package must not need pyspark
    from pyspark import SparkContext  # noqa: PLC0415

    gateway: Any = SparkContext._gateway  # noqa: SLF001 - pyspark has no other way to ask
    if gateway is None:
        return None
    is_lost = isinstance(failure, ConnectionError | EOFError | Py4JError) and not isinstance(failure, Py4JJavaError)
    is_lost = is_lost or any(text in str(failure) for text in _STOPPED)
    process = getattr(gateway, "proc", None)
    if process is None:  # spark-submit launched it
        return EnvironmentProblemError(_message(None)) if isinstance(failure, ConnectionRefusedError) else None
    if is_lost:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_SECONDS)
    code = process.poll()
    return None if code is None else EnvironmentProblemError(_message(code))


def forget_jvm() -> None:
    """Forget a dead JVM, so that this process can launch another one."""
    from pyspark import SparkContext  # noqa: PLC0415 - importing the package must not need pyspark
    from pyspark.sql import SparkSession  # noqa: PLC0415

    SparkContext._active_spark_context = SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001 - stop() needs the JVM
    SparkSession._instantiatedSession = None  # noqa: SLF001


def _message(code: int | None) -> str:
    """Return what is known of the cause.

    Args:
        code: Exit code of the JVM, the negative signal if it was killed; None if another process launched it.
    """
    words = _last_words[0]() if _last_words and code is not None else ""
    if code == _OUT_OF_MEMORY_EXIT or "OutOfMemoryError" in words:
        cause = f"ran out of memory and ended. {raise_memory(_settings, 'driver')}"
    elif code == _KILLED:
        cause = (
            f"was killed (signal 9), as systems and containers do when memory runs out; the limit here is {_limit()}. "
            f"The session has spark.driver.memory={_settings.get('spark.driver.memory', '1g')}, and its Python workers "
            "take memory besides. Give the container or machine more memory, or run fewer tasks at once (--master "
            "local[1])."
        )
    else:
        ended = "has ended" if code is None else f"has ended (exit code {code})"
        cause = f"{ended}; its messages are above. Most often memory ran out. {raise_memory(_settings, 'driver')}"
    return f"Spark's JVM {cause} No table contains a partial commit; the same command continues from what is stored."


def _limit() -> str:
    """Return the memory of this machine or container."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        size = min(size, int(_LIMIT.read_text(encoding="ascii")))
    return f"{size / 2**30:.1f} GiB"
