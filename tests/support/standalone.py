"""A standalone cluster on this machine: processes of a master and workers that share nothing with the driver."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SPARK_HOME = Path(pyspark.__file__).parent
DAEMONS = "org.apache.spark.deploy"


@dataclass(frozen=True)
class Standalone:
    """A running cluster.

    Attributes:
        url: Address of the master, spark://127.0.0.1:PORT.
        folder: Folder of the daemons' logs, with a folder `worker-N` of each worker's applications.
    """

    url: str
    folder: Path

    def submit_environment(self) -> dict[str, str]:
        """Return the environment of spark-submit; the scripts of this Python's Spark come first on the path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "SPARK_LOCAL_IP": "127.0.0.1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def standalone_cluster(
    folder: Path, *, hosts: Sequence[str] = ("127.0.0.1", "127.0.0.1"), memory: str = "1g"
) -> Iterator[Standalone]:
    """Start a master and a worker of one core on each host, and end them afterwards.

    Args:
        folder: Folder for logs and the workers' files.
        hosts: Addresses of this machine. Spark starts a slow task again only on another host.
        memory: Memory of a worker.
    """
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    # Nothing else, so that workers have only the archive and not the driver's path.
    kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "HOME", "TMPDIR") if name in os.environ}
    environment = {**kept, "SPARK_HOME": str(SPARK_HOME)}
    daemons: list[subprocess.Popen[bytes]] = []
    folder.mkdir(parents=True)

    def start(name: str, kind: str, host: str, *arguments: str) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            command = [str(SPARK_HOME / "bin" / "spark-class"), f"{DAEMONS}.{kind}", "--host", host, *arguments]
            here = environment | {"SPARK_LOCAL_IP": host}
            # Another working directory than the driver's, so that a relative path leads elsewhere.
            daemons.append(subprocess.Popen(command, cwd=folder, env=here, stdout=log, stderr=log))

    try:
        start("master", "master.Master", "127.0.0.1", "--port", str(port), "--webui-port", "0")
        wait_for_line(folder / "master.log", "Starting Spark master")
        for number, host in enumerate(hosts):
            start(
                f"worker-{number}", "worker.Worker", host, "--cores", "1", "--memory", memory,
                "--webui-port", "0", "--work-dir", str(folder / f"worker-{number}"), url,
            )  # fmt: skip
        for number in range(len(hosts)):
            wait_for_line(folder / f"worker-{number}.log", "Successfully registered with master")
        yield Standalone(url, folder)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(timeout=30)


def wait_for_line(log: Path, words: str, seconds: float = 120) -> None:
    """Wait until a log contains some words."""
    deadline = time.monotonic() + seconds
    while words not in (log.read_text(errors="replace") if log.exists() else ""):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{log} never said {words!r}:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
