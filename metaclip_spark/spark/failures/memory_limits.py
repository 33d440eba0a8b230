"""Memory that a session may use: the setting in force, and the one to raise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE: Final = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
_DEFAULT: Final = "1g"


def doubled(size: str) -> str:
    """Return twice a size as Spark writes it.

    >>> doubled("4g"), doubled("512m"), doubled("a lot")
    ('8g', '1024m', '8g')
    """
    found = _SIZE.fullmatch(size)
    return f"{2 * int(found[1])}{found[2]}" if found else "8g"


def memory_remedy(_: object = None) -> str:
    """Return the setting of memory in force for the processes that run tasks, and how to raise it."""
    settings = session_settings()
    return raise_memory(settings, "driver" if settings.get("spark.master", "local").startswith("local") else "executor")


def raise_memory(settings: Mapping[str, str], process: str) -> str:
    """Return the memory in force and the remedy.

    Args:
        settings: Settings of the session.
        process: "driver" or "executor".

    >>> raise_memory({"spark.driver.memory": "4g"}, "driver")
    'The session has spark.driver.memory=4g. Raise it: --spark-conf spark.driver.memory=8g.'
    """
    key = f"spark.{process}.memory"
    size = settings.get(key, _DEFAULT)
    overhead = "" if process == "driver" else ", or spark.executor.memoryOverhead for its Python workers"
    return f"The session has {key}={size}. Raise it: --spark-conf {key}={doubled(size)}{overhead}."


def session_settings() -> Mapping[str, str]:
    """Return the settings of the active session; empty if there is none, or if it cannot say."""
    from pyspark import SparkContext  # noqa: PLC0415 - importing the package must not need pyspark

    context = SparkContext._active_spark_context  # noqa: SLF001 - pyspark has no other way to ask
    try:
        return dict(context.getConf().getAll()) if context is not None else {}
    except Exception:  # noqa: BLE001 - the JVM has ended, or a cluster forbids it
        return {}
