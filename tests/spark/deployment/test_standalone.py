"""jobs/ on a standalone cluster: a master and two workers that run Python from the archive of jobs/pack.py."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from content_digest import content_digest
from standalone import standalone_cluster

from metaclip_spark import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession
    from standalone import Standalone

pytestmark = [pytest.mark.spark, pytest.mark.cluster]


# The machine of the tests is small; an executor of more cores than a worker has would never start.
SMALL = {"spark.executor.cores": "1", "spark.executor.memory": "1g", "spark.driver.memory": "1g"}
# Optimising for long runs would be most of these JVMs' work.
QUICK = {f"spark.{where}.extraJavaOptions": "-XX:TieredStopAtLevel=1" for where in ("driver", "executor")}
EVENTS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}


@dataclass(frozen=True)
class Packed:
    """An archive, and the cluster that runs it."""

    archive: Path
    cluster: Standalone
    repository: Path
    events: Path

    def printed_line(self, *rest: str) -> str:
        """Return what jobs/pack.py prints for this archive."""
        pack = [sys.executable, "jobs/pack.py", "--keep", "--output", str(self.archive), "--", *rest]
        return subprocess.run(pack, cwd=self.repository, capture_output=True, text=True, check=True).stdout

    def submit(self, *rest: str) -> dict[str, Any]:
        """Submit the printed line in a shell and return the report of the job."""
        settings = SMALL | QUICK | EVENTS | {"spark.eventLog.dir": str(self.events)}
        conf = [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
        line = self.printed_line("--master", self.cluster.url, *conf, *rest)
        started = time.time()
        run = subprocess.run(
            line, shell=True, cwd=self.repository, env=self.cluster.submit_environment(), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, f"{line}\n{run.stdout}\n{run.stderr[-5000:]}"
        report: dict[str, Any] = json.loads(run.stdout[run.stdout.index("{\n") :])
        return report | {"cold start": self.cold_start(started)}

    def cold_start(self, started: float) -> dict[str, float]:
        """Seconds from the submit to the first of each kind of event; of tasks, when they ended too."""
        log = max(self.events.iterdir(), key=lambda path: path.stat().st_mtime)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        at = {
            "session": min(event["Timestamp"] for event in events if event["Event"].endswith("ApplicationStart")),
            "executor": min(event["Timestamp"] for event in events if event["Event"].endswith("ExecutorAdded")),
        }
        tasks = [event["Task Info"] for event in events if event["Event"].endswith("TaskEnd")]
        at["task starts"] = min(task["Launch Time"] for task in tasks)
        at["task ends"] = min(task["Finish Time"] for task in tasks)
        return {what: moment / 1000 - started for what, moment in at.items()}


@pytest.fixture(scope="module")
def packed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    folder = tmp_path_factory.mktemp("standalone")
    # Packing takes half a minute; the variable names a file for all runs.
    archive = Path(os.environ.get("METACLIP_SPARK_TEST_ARCHIVE", folder / "environment.tar.gz"))
    with standalone_cluster(folder / "cluster") as cluster:
        events = folder / "events"
        events.mkdir()
        packed = Packed(archive, cluster, repository, events)
        assert shlex.split(packed.printed_line("job.py", "a b"))[-2:] == ["job.py", "a b"]
        yield packed


def test_the_same_tables_as_in_one_process(
    packed: Packed, spark: SparkSession, example_root: str, tmp_path: Path
) -> None:
    report = packed.submit(
        "jobs/curate.py", "--conf", "conf/cluster.toml", "--pool", example_root.replace("tables", "pool"),
        "--url-column", "image_url", "--metadata", str(example.metadata_path()), "--tables", str(tmp_path / "tables"),
        "--t", str(example.T), "--json",
    )  # fmt: skip
    for name in ("curated", "entry_counts", "size_curve"):
        found, expected = (
            content_digest(spark.read.format("delta").load(f"{root}/{name}"), without=())
            for root in (tmp_path / "tables", example_root)
        )
        assert found == expected, name
    print(f"archive {packed.archive.stat().st_size / 1e6:.0f} MB; cold start {report['cold start']}")
    print(report["seconds"], found)
    environments = packed.cluster.folder.glob("worker-*/app-*/*/environment/bin/python")
    workers = {path.relative_to(packed.cluster.folder).parts[0] for path in environments}
    assert workers == {"worker-0", "worker-1"}, "each ran Python from the archive"


def test_no_cluster_mode_for_python_on_standalone(packed: Packed) -> None:
    """YARN and Kubernetes have it, and jobs/README.md says so."""
    line = packed.printed_line("--master", packed.cluster.url, "--deploy-mode", "cluster", "jobs/check.py")
    run = subprocess.run(
        line, shell=True, cwd=packed.repository, env=packed.cluster.submit_environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode != 0
    assert "Cluster deploy mode is currently not supported for python applications on standalone" in run.stderr
