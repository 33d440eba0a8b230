"""Curations in a process of their own, which can kill an executor, a Python worker or itself while it runs.

    python tests/support/curate_process.py '[{"master": "local[2]", "pool": ["pool"], ...}, ...]'

Prints as its last line what each run left in its tables, in JSON. `CurateProcess` has the keys.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from spark_processes import processes_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

CLUSTER = "local-cluster[2,1,1024]"
"""Two executors of one core and 1 GiB each, which are processes of their own."""

RESULTS = ("counters", "expected_size", "expected_deviation", "curated", "entry_counts", "size_curve")
"""Keys of a result that have to be equal however the same pool was curated."""


@dataclass(frozen=True)
class Kill:
    """A process to kill with signal 9 while a Spark stage runs.

    Attributes:
        what: "executor", "python worker", "driver" (Python and JVM), or "all python workers", which kills them until
            the stage has ended, because a single one may be idle.
        during: The pass: "count" or "balance".
        tasks: Number of tasks of the stage, which identifies it.
        completed: Number of its tasks that must have ended before the kill.
    """

    what: str
    during: str
    tasks: int
    completed: int = 2


@dataclass(frozen=True)
class CurateProcess:
    """One curation. Each file of the pool is one partition."""

    pool: list[str]
    metadata: str
    output: str
    columns: dict[str, str | None]
    master: str = "local[2]"
    format: str = "parquet"
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    kill: Kill | None = None

    def run(self, *, may_die: bool = False) -> dict[str, Any] | None:
        """Run it in a new process. Return its result, or None if it killed itself and `may_die` allows that."""
        results = run_in_one_session([self], may_die=may_die)
        return results[0] if results else None


def run_in_one_session(runs: Sequence[CurateProcess], *, may_die: bool = False) -> list[dict[str, Any]]:
    """Run curations one after the other in one new process and session, and return their results.

    Args:
        runs: Curations that share master and settings.
        may_die: Return an empty list, rather than fail, if the process killed itself.
    """
    assert len({(run.master, *run.settings.items()) for run in runs}) == 1
    command = [sys.executable, __file__, json.dumps([asdict(run) for run in runs])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if may_die and done.returncode == -signal.SIGKILL:
        return []
    if done.returncode:
        raise RuntimeError(f"{done.args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-10_000:]}")
    results: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return results


def results_of(result: dict[str, Any] | None) -> dict[str, Any]:
    """Return the part of a result that has to be equal however the same pool was curated."""
    assert result is not None
    return {name: result[name] for name in RESULTS}


class Killer(threading.Thread):
    """Waits for the stage, then kills."""

    def __init__(self, spark: SparkSession, kill: Kill, output: Path) -> None:
        super().__init__(daemon=True)
        self._tracker = spark.sparkContext.statusTracker()
        self._kill = kill
        # Written between the passes.
        self._counted = output / "runs" / "_delta_log" / f"{0:020d}.json"
        self.killed: dict[str, Any] | None = None
        self.stage = -1

    def run(self) -> None:
        while self.killed is None:
            if self._counted.exists() == (self._kill.during == "balance"):
                for stage in self._tracker.getActiveStageIds():
                    info = self._tracker.getStageInfo(stage)
                    if info and info.numTasks == self._kill.tasks and info.numCompletedTasks >= self._kill.completed:
                        self.stage = stage
                        self._strike(info.numCompletedTasks)
                        return
            time.sleep(0.001)

    def result(self) -> dict[str, Any] | None:
        """Return the killed process and the number of lost tasks, as far as Spark still knows the stage."""
        info = self._tracker.getStageInfo(self.stage)
        return self.killed and self.killed | {"failed_tasks": info.numFailedTasks if info else 0}

    def _strike(self, completed: int) -> None:
        while self._kill.what == "all python workers" and self.stage in self._tracker.getActiveStageIds():
            for worker in processes_below(os.getpid(), "python worker"):
                self.killed = {"pid": worker.pid, "stage": self.stage, "completed": completed}
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.send_signal(signal.SIGKILL)
        if self.killed is not None:
            return
        victim = None
        while victim is None:
            victim = next(processes_below(os.getpid(), self._kill.what), None)
        self.killed = {"pid": victim.pid, "stage": self.stage, "completed": completed}
        victim.send_signal(signal.SIGKILL)
        if self._kill.what == "driver":
            os.kill(os.getpid(), signal.SIGKILL)


def table_digests(spark: SparkSession, output: Path) -> dict[str, Any]:
    """Return the digest of each table of a curation."""
    from content_digest import content_digest  # noqa: PLC0415 - needs pyspark, which `run` does not

    tables = ("curated", "entry_counts", "size_curve")
    return {name: list(content_digest(spark.read.format("delta").load(str(output / name)))) for name in tables}


def curate_once(spark: SparkSession, run: dict[str, Any]) -> dict[str, Any]:
    """Curate, and return the result."""
    from metaclip_spark.config.curation import CurateConfig  # noqa: PLC0415 - `run` needs none of it
    from metaclip_spark.config.pool import Pool, PoolColumns  # noqa: PLC0415
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415

    output = Path(run["output"])
    killer = Killer(spark, Kill(**run["kill"]), output) if run["kill"] else None
    if killer:
        killer.start()
    pool = Pool(paths=tuple(run["pool"]), columns=PoolColumns(**run["columns"]), format=run["format"])
    metadata = read_metadata(run["metadata"])
    start = time.monotonic()
    report = curate(spark, pool, metadata, str(output), CurateConfig(**run["config"]))
    return {
        "seconds": time.monotonic() - start,
        "counters": report.counters,
        "expected_size": report.expected_size,
        "expected_deviation": report.expected_deviation,
        "counts_reused": report.counts_reused,
        "already_finished": report.already_finished,
        "killed": killer.result() if killer else None,
        **table_digests(spark, output),
    }


def main() -> None:
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    runs = json.loads(sys.argv[1])
    one_file_a_partition = {"spark.sql.files.openCostInBytes": "134217728", "spark.sql.files.maxPartitionBytes": "128m"}
    with open_session(master=runs[0]["master"], settings=one_file_a_partition | runs[0]["settings"]) as spark:
        results = [curate_once(spark, run) for run in runs]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
