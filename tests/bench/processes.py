"""CPU time and memory of this process and its descendants: the JVM and the Python workers."""

from __future__ import annotations

import contextlib
import threading
from typing import Self

import psutil

_SECONDS = 0.25
_used: dict[tuple[int, float], float] = {}


def cpu_seconds() -> float:
    """Return the CPU seconds so far of this process and its descendants, including those that have ended since.

    Spark ends a Python worker after a minute without work, and its parent does not account for it. The time that it had
    used at the last call counts.
    """
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            times = process.cpu_times()
            _used[process.pid, process.create_time()] = times.user + times.system
    return sum(_used.values())


class ProcessMemory:
    """Samples of memory during a `with` block: USS of the largest Python worker, RSS of the JVM and this process."""

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
        """Return the maximum of any worker at any time."""
        return max(self.workers, default=0.0)

    def course(self) -> list[float]:
        """Return the maximum of any worker in each tenth of the run."""
        tenth = max(1, len(self.workers) // 10)
        return [round(max(self.workers[start : start + tenth])) for start in range(0, len(self.workers), tenth)]
