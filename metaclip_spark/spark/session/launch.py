"""Launch the JVM of a new session, without its messages unless the start fails.

Until a session exists, Java, Ivy and log4j write pages to standard error, and no setting of Spark silences them all.
PySpark lets its caller take the JVM's standard error (`popen_kwargs` of `launch_gateway`): what arrives during the
start is kept, and shown only if the start fails; what arrives later is passed on at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.address import host_name_problem
from metaclip_spark.spark.failures.jvm_death import remember_launch
from metaclip_spark.spark.session.delta import JARS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark import SparkConf

_CHUNK_BYTES: Final = 65_536
_LAST_WORDS_SECONDS: Final = 5.0
_LAST_WORDS_BYTES: Final = 65_536
_STANDARD_ERROR: Final = 2
_CAUSES: Final = ("Exception in thread", "Error", "Caused by")


@contextmanager
def quiet_gateway(conf: SparkConf, settings: Mapping[str, str]) -> Iterator[Any]:
    """Launch the JVM, and withhold its messages until the end of the `with` block unless the block fails.

    Args:
        conf: Spark's configuration, for its command line.
        settings: The same settings, for the error message.

    Raises:
        EnvironmentProblemError: The JVM ended before it was ready.
    """
    source, sink = os.pipe()
    relay = _Relay(source)
    relay.start()
    try:
        gateway = _launch(conf, settings, sink, relay)
        remember_launch(settings, relay.last_words)
        yield gateway
    except Exception:
        relay.pass_on(kept=True)
        raise
    finally:
        relay.pass_on(kept=False)


class _Relay(threading.Thread):
    """Reader of the JVM's standard error, which keeps everything until `pass_on` and then passes it on.

    It reads as long as the JVM lives, because the JVM would stop at a full pipe.
    """

    def __init__(self, source: int) -> None:
        super().__init__(name="metaclip-spark-jvm-stderr", daemon=True)
        self._source = source
        self._lock = threading.Lock()
        self._kept: bytes | None = b""
        self._last = b""

    def run(self) -> None:
        """Read until the JVM ends."""
        while chunk := os.read(self._source, _CHUNK_BYTES):
            with self._lock:
                self._last = (self._last + chunk)[-_LAST_WORDS_BYTES:]
                if self._kept is None:
                    _write(chunk)
                else:
                    self._kept += chunk
        os.close(self._source)

    def pass_on(self, *, kept: bool) -> None:
        """Pass on all further output. Output kept so far is written first, or dropped."""
        with self._lock:
            if kept and self._kept:
                _write(self._kept)
            self._kept = None

    def last_words(self) -> str:
        """Return the last output of a JVM that has ended."""
        self.join(_LAST_WORDS_SECONDS)
        return self._last.decode(errors="replace")

    def cause(self) -> str:
        """Return the first line that names the cause of a failure, or an empty string."""
        lines = (self._kept or b"").decode(errors="replace").splitlines()
        return next((line.strip() for line in lines if line.lstrip().startswith(_CAUSES)), "")


def _write(output: bytes) -> None:
    sys.stderr.flush()
    with contextlib.suppress(OSError):  # nobody reads it; the JVM must not stop for that
        while output:
            output = output[os.write(_STANDARD_ERROR, output) :]


def _launch(conf: SparkConf, settings: Mapping[str, str], sink: int, relay: _Relay) -> Any:
    from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415 - importing the package must not need pyspark
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415

    try:
        return launch_gateway(conf, popen_kwargs={"stderr": sink})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
    finally:
        os.close(sink)
    relay.join(_LAST_WORDS_SECONDS)  # all that the JVM wrote before it ended
    raise EnvironmentProblemError(_message(settings, relay.cause()))


def _message(settings: Mapping[str, str], cause: str) -> str:
    """Return what is known of the cause; Spark reports an unresolvable host and missing jars as one error."""
    if "Master must" in cause:
        reason = cause.rpartition("Exception: ")[2]
        return (
            f"The Spark session cannot be started on {settings.get('spark.master')!r}: {reason}. Correct the master "
            "(--master)."
        )
    package = settings.get("spark.jars.packages")
    remedy = host_name_problem()
    if not remedy and package:
        remedy = (
            f"most often because {package} and its dependencies could not be downloaded (no network?). Let this "
            "machine reach a Maven repository once, or name a mirror (spark.jars.ivySettings=FILE), or copy the "
            "folder ~/.ivy2.5.2/jars of another machine and pass it as --jars FOLDER or in the environment variable "
            f"{JARS_VARIABLE}"
        )
    messages = f"its messages are above; {cause}" if cause else "its messages are above"
    return f"Spark's JVM ended before it was ready ({messages}), {remedy or 'most often because of a wrong setting'}"
