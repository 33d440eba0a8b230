"""CPU time and memory of this process and those below it: the JVM, the Python workers."""

from __future__ import annotations

import contextlib
import threading
from typing import Self

import psutil

_SECONDS = 0.25
_used: dict[tuple[int, float], float] = {}


def cpu_seconds() -> float:
    """CPU time so far of this process and all below it, with what those that have ended had used when last asked.

    Spark ends a Python worker after a minute without work, and the process above it ignores its end: nobody else knows
    what it has used.
    """
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            times = process.cpu_times()
            _used[process.pid, process.create_time()] = times.user + times.system
    return sum(_used.values())


class ProcessMemory:
    """Samples, for a `with` block, the private memory (USS) of the largest Python worker, and what the JVM and this
    process hold (RSS)."""

    def __init__(self) -> None:
        self.workers: list[float] = []
        self.jvm_mb = self.driver_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(_SECONDS):
            self.driver_mb = max(self.driver_mb, psutil.Process().memory_info().rss / 1e6)
            largest = 0.0
            for process in psutil.Process().children(recursive=True):
                try:
                    if any("pyspark.daemon" in part for part in process.cmdline()):
                        largest = max(largest, process.memory_full_info().uss / 1e6)
                    elif process.name() == "java":
                        self.jvm_mb = max(self.jvm_mb, process.memory_info().rss / 1e6)
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            if largest:
                self.workers.append(largest)

    @property
    def worker_mb(self) -> float:
        """Of any worker at any time."""
        return max(self.workers, default=0.0)

    def course(self) -> list[float]:
        """The greatest worker in each tenth of the run."""
        tenth = max(1, len(self.workers) // 10)
        return [round(max(self.workers[start : start + tenth])) for start in range(0, len(self.workers), tenth)]
