"""One curation in a process of its own, which can kill an executor, a Python worker or itself on the way.

    python tests/support/curate_process.py '{"master": "local[2]", "pool": ["pool"], ...}'

Prints what the tables then hold as the last line, in JSON. `CurateProcess` names the keys.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Kill:
    """What to kill, with signal 9, once a stage of a pass is at work.

    Attributes:
        what: "executor", "python worker", "driver" (Python and JVM), or "all python workers", again and again until the
            stage has ended: a single one may be idle.
        during: "count" or "balance", the pass.
        tasks: number of tasks of the stage, by which it is known.
        completed: tasks that have to be done by then.
    """

    what: str
    during: str
    tasks: int
    completed: int = 2


@dataclass(frozen=True)
class CurateProcess:
    """A curation to be done. Files are read one a partition, so that `pool` decides how many there are."""

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
        """Run it in a new process: what that printed, or None if it died as it was meant to."""
        done = subprocess.run(
            [sys.executable, __file__, json.dumps(asdict(self))], capture_output=True, text=True, check=False
        )
        if may_die and done.returncode == -signal.SIGKILL:
            return None
        if done.returncode:
            raise RuntimeError(f"{done.args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-10_000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


class Killer(threading.Thread):
    """Waits for the stage, then kills."""

    def __init__(self, spark: SparkSession, kill: Kill, output: Path) -> None:
        super().__init__(daemon=True)
        self._tracker = spark.sparkContext.statusTracker()
        self._kill = kill
        # Written between the passes
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

    def failed_tasks(self) -> int:
        """Tasks of the stage that were lost, at least while Spark remembers it."""
        info = self._tracker.getStageInfo(self.stage)
        return info.numFailedTasks if info else 0

    def _strike(self, completed: int) -> None:
        while self._kill.what == "all python workers" and self.stage in self._tracker.getActiveStageIds():
            for worker in victims("python worker"):
                self.killed = {"pid": worker.pid, "stage": self.stage, "completed": completed}
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.send_signal(signal.SIGKILL)
        if self.killed is not None:
            return
        victim = None
        while victim is None:
            victim = next(victims(self._kill.what), None)
        self.killed = {"pid": victim.pid, "stage": self.stage, "completed": completed}
        victim.send_signal(signal.SIGKILL)
        if self._kill.what == "driver":
            os.kill(os.getpid(), signal.SIGKILL)


def victims(what: str) -> Iterator[psutil.Process]:
    """Processes started below this one, of one kind."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            if kind_of(process) == what:
                yield process


def kind_of(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    if process.name() == "java":
        return "executor" if "CoarseGrainedExecutorBackend" in line else "driver"
    if "pyspark.daemon" not in line:
        return "other"
    forked = process.parent()
    return "python worker" if forked and "pyspark.daemon" in " ".join(forked.cmdline()) else "daemon"


def figures(spark: SparkSession, output: Path) -> dict[str, Any]:
    """Digests of the tables."""
    from content_digest import content_digest  # noqa: PLC0415 - needs pyspark, which `run` does not

    tables = ("curated", "entry_counts", "size_curve")
    return {name: list(content_digest(spark.read.format("delta").load(str(output / name)))) for name in tables}


def main() -> None:
    from metaclip_spark.config.curation import CurateConfig  # noqa: PLC0415 - `run` needs none of it
    from metaclip_spark.config.pool import Pool, PoolColumns  # noqa: PLC0415
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    asked = json.loads(sys.argv[1])
    kill = Kill(**asked["kill"]) if asked["kill"] else None
    output = Path(asked["output"])
    one_file_a_partition = {"spark.sql.files.openCostInBytes": "134217728", "spark.sql.files.maxPartitionBytes": "128m"}
    with open_session(master=asked["master"], settings=one_file_a_partition | asked["settings"]) as spark:
        killer = Killer(spark, kill, output) if kill else None
        if killer:
            killer.start()
        pool = Pool(paths=tuple(asked["pool"]), columns=PoolColumns(**asked["columns"]), format=asked["format"])
        metadata = read_metadata(asked["metadata"])
        start = time.monotonic()
        report = curate(spark, pool, metadata, str(output), CurateConfig(**asked["config"]))
        found = {
            "seconds": time.monotonic() - start,
            "counters": report.counters,
            "expected_size": report.expected_size,
            "expected_deviation": report.expected_deviation,
            "counts_reused": report.counts_reused,
            "already_finished": report.already_finished,
            "killed": killer.killed | {"failed_tasks": killer.failed_tasks()} if killer and killer.killed else None,
            **figures(spark, output),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
