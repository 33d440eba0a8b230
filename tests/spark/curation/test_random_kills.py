"""`curate`, `rebalance` and `append` of the command line, killed with signal 9 at random moments and run again.

On a cluster, a killed executor does not fail the run.

    pytest -m slow tests/spark/curation/test_random_kills.py         # METACLIP_SPARK_KILLS=N for another number than 30

Whenever a command is killed, running it again leaves the same tables as an undisturbed run.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest
from content_digest import content_digest
from curate_process import CLUSTER
from pools import write_files
from spark_processes import SECONDS, finish, kind_of, processes_below, start_command

from metaclip_spark import example
from metaclip_spark.tables.schemas import RUNS

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

KILLS = int(os.environ.get("METACLIP_SPARK_KILLS", "30"))
SEED = 20_26
TABLES = ("curated", "reserve", "entry_counts", "size_curve")
JOBS = ("curate", "rebalance down", "rebalance up", "append")
VICTIMS = ("driver", "driver", "JVM", "Python workers")


@dataclass(frozen=True)
class Job:
    """A command, the tables it starts from, and the content that it leaves.

    Attributes:
        arguments: Command-line arguments without the output.
        before: Folder of the tables that the command starts from; None if there are none.
        seconds: Duration without a kill.
        left: Content of the tables after the command.
    """

    arguments: list[str]
    before: Path | None
    seconds: float
    left: dict[str, object]


def content(spark: SparkSession, output: Path) -> dict[str, object]:
    """Return the content of the tables, with the finished runs and their counters."""
    found: dict[str, object] = {}
    for name in TABLES:
        if (output / name).is_dir():
            table = spark.read.format("delta").load(str(output / name))
            found[name] = content_digest(table, without=())
    runs = spark.read.format("delta").load(str(output / RUNS)).select("run_id", "stage", "status", "counters").collect()
    found[RUNS] = sorted((row.run_id, row.stage, row.status, sorted(row.counters.items())) for row in runs)
    return found


@pytest.fixture(scope="module")
def jobs(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """Run each job once, undisturbed, over the embedded example in two pools."""
    folder = tmp_path_factory.mktemp("jobs")
    table = example.pool_table()
    half = len(table) // 2
    for name, part in (("first", table.slice(0, half)), ("second", table.slice(half))):
        write_files(part, folder / name, files=6)
    of_pool = ["--metadata", str(example.metadata_path()), "--url-column", "image_url", "--pool"]
    # In order: each job starts from the tables that the previous one left.
    commands = {
        "curate": ["curate", *of_pool, str(folder / "first"), "--t", "3", "--reserve", "6"],
        "rebalance down": ["rebalance", "--t", "2"],
        "rebalance up": ["rebalance", "--t", "4"],
        "append": ["append", *of_pool, str(folder / "second")],
    }
    done: dict[str, Job] = {}
    tables, before = folder / "tables", None
    for name, arguments in commands.items():
        begin = time.monotonic()
        finish(start_command([*arguments, "--tables", str(tables)]))
        seconds = time.monotonic() - begin
        done[name] = Job(arguments, before, seconds, content(spark, tables))
        before = folder / f"after {name}"
        shutil.copytree(tables, before)
    return done


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_at_any_moment_changes_nothing(
    spark: SparkSession, jobs: dict[str, Job], tmp_path: Path, number: int
) -> None:
    chance = random.Random(SEED * 1_000 + number)
    name, victim = JOBS[number % len(JOBS)], VICTIMS[number // len(JOBS) % len(VICTIMS)]
    job, output = jobs[name], tmp_path / "tables"
    if job.before:
        shutil.copytree(job.before, output)
    moment = chance.uniform(0, job.seconds)
    process = start_command([*job.arguments, "--tables", str(output)])
    time.sleep(moment)
    killed = kill(process, victim)
    process.communicate(timeout=SECONDS)
    written = sorted(path.name for path in output.glob("*/")) if output.is_dir() else []
    finish(start_command([*job.arguments, "--tables", str(output)]))
    print(f"{name}: {victim} ({killed} processes) killed after {moment:.2f} of {job.seconds:.2f} s, left {written}")
    assert content(spark, output) == job.left


@pytest.mark.parametrize("name", JOBS)
def test_an_executor_killed_at_work_changes_nothing(
    spark: SparkSession, jobs: dict[str, Job], tmp_path: Path, name: str
) -> None:
    job, output = jobs[name], tmp_path / "tables"
    if job.before:
        shutil.copytree(job.before, output)
    process = start_command([*job.arguments, "--tables", str(output)], CLUSTER)
    executor = None
    while executor is None and process.poll() is None:
        executor = executor_at_work(process)
    assert executor is not None, finish(process)
    executor.kill()
    said = finish(process)
    print(f"{name}: executor {executor.pid} killed")
    assert "Kept" in said
    assert content(spark, output) == job.left


def executor_at_work(driver: subprocess.Popen[str]) -> psutil.Process | None:
    """Return an executor with a Python worker, which therefore runs one of our tasks."""
    for worker in processes_below(driver.pid, "python worker"):
        with contextlib.suppress(AttributeError, psutil.NoSuchProcess):  # it has ended meanwhile
            executor = worker.parent().parent()  # its daemon's parent
            if kind_of(executor) == "executor":
                return executor
    return None


def kill(process: subprocess.Popen[str], victim: str) -> int:
    """Kill the processes of one kind that exist at this moment, and return their number."""
    kinds = {"driver": ["driver", "python daemon", "python worker", "other"], "JVM": ["driver"]}
    chosen = [
        found
        for kind in kinds.get(victim, ["python daemon", "python worker"])
        for found in processes_below(process.pid, kind)
    ]
    if victim == "driver":
        process.kill()
    return sum(is_killed(found) for found in chosen) + (victim == "driver")


def is_killed(process: psutil.Process) -> bool:
    """Kill a process, and return whether it was still there."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        return True
    return False
