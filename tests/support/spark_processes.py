"""The processes of a Spark application, and commands of the command line that run in a process of their own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS = 600


def start_command(arguments: Sequence[str], master: str = "local[2]") -> subprocess.Popen[str]:
    """Start a command of the command line in a session of its own."""
    command = [sys.executable, "-m", "metaclip_spark", *arguments, "--master", master]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait until the command has succeeded, and return its output."""
    output = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 0, output
    return output


def processes_below(pid: int, kind: str) -> Iterator[psutil.Process]:
    """Return the descendants of a process that are of one kind."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                if kind_of(process) == kind:
                    yield process


def kind_of(process: psutil.Process) -> str:
    """Return "driver" (a JVM), "executor", "python daemon", "python worker" (forked by the daemon) or "other"."""
    line = " ".join(process.cmdline())
    if process.name() == "java":
        return "executor" if "CoarseGrainedExecutorBackend" in line else "driver"
    if "pyspark.daemon" not in line:
        return "other"
    parent = process.parent()
    return "python worker" if parent and "pyspark.daemon" in " ".join(parent.cmdline()) else "python daemon"
