"""Faults of machines and operators in real processes: full disk, other version, two runs at once, slow tasks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from curate_process import CLUSTER, CurateProcess, results_of
from standalone import standalone_cluster

import metaclip_spark
from metaclip_spark import example
from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.library_version import library_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.cluster]

SETTINGS = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


@pytest.fixture(scope="module")
def run(example_root: str) -> CurateProcess:
    return CurateProcess(
        pool=[example_root.replace("tables", "pool")],
        metadata=str(example.metadata_path()),
        output="",
        columns={"image_url": "image_url"},
        config={"t": example.T},
        settings=SETTINGS,
    )


@pytest.fixture(scope="module")
def expected_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("expected") / "out"


@pytest.fixture(scope="module")
def expected(run: CurateProcess, expected_root: Path) -> dict[str, Any]:
    return results_of(replace(run, output=str(expected_root)).run())


def test_a_full_disk_is_an_error_that_the_next_run_repairs(
    run: CurateProcess, expected: dict[str, Any], expected_root: Path, disk: Callable[[int], Path]
) -> None:
    # With room for the counts, and half of the rows.
    taken = {
        table: sum(path.stat().st_blocks * 512 for path in (expected_root / table).rglob("*"))
        for table in ("entry_counts", "runs", "curated")
    }
    small_disk = disk(taken["entry_counts"] + taken["runs"] + taken["curated"] // 2)
    run = replace(run, output=str(small_disk / "out"))
    with pytest.raises(RuntimeError, match="No space left on device") as caught:
        run.run()
    assert "JobFailedError" in str(caught.value)
    assert "No table contains a partial commit" in str(caught.value)
    assert not any((small_disk / "out" / "curated" / "_delta_log").glob("*.json")), "no version of the curated table"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert results_of(run.run()) == expected


def test_a_worker_with_another_version_is_an_error(
    run: CurateProcess, expected: dict[str, Any], expected_root: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "other" / "metaclip_spark"
    shutil.copytree(Path(metaclip_spark.__file__).parent, copied)
    init = copied / "__init__.py"
    init.write_text(init.read_text().replace(f'"{metaclip_spark.__version__}"', '"0.0.9"'))
    other = {"spark.executorEnv.PYTHONPATH": str(copied.parent)}
    refused = f"The driver runs metaclip_spark {library_identity()}, but this worker runs 0.0.9 (sources "
    curate = replace(run, output=str(tmp_path / "out"), master=CLUSTER, settings=SETTINGS | other)
    with pytest.raises(RuntimeError) as caught:
        curate.run()
    assert refused in str(caught.value)

    rows = tmp_path / "rows"  # rows that can be rebalanced without metadata
    shutil.copytree(expected_root, rows)
    rebalance = ["rebalance", "--tables", str(rows), "--t", str(example.T / 2), "--master", CLUSTER]
    settings = [option for pair in (SETTINGS | other).items() for option in ("--spark-conf", "=".join(pair))]
    done = subprocess.run(
        [sys.executable, "-m", "metaclip_spark", *rebalance, *settings], capture_output=True, text=True, check=False
    )
    assert (done.returncode, refused in done.stderr) == (EnvironmentProblemError.exit_code, True), done.stderr
    assert results_of(replace(run, output=str(rows)).run()) == expected


def test_two_runs_at_once_leave_one_result(run: CurateProcess, expected: dict[str, Any], tmp_path: Path) -> None:
    run = replace(run, output=str(tmp_path / "out"))

    def attempt(_: int) -> dict[str, Any] | str:
        try:
            found = run.run()
        except RuntimeError as error:
            return str(error)
        assert found is not None
        return found

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(attempt, range(2)))
    for end in ends:
        if isinstance(end, str):
            assert "Another process wrote to" in end
            assert "run again" in end
        else:
            assert results_of(end) == expected
    again = run.run()
    assert results_of(again) == expected
    assert again is not None
    assert again["already_finished"]


def test_speculation_changes_nothing(
    run: CurateProcess, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    events = tmp_path / "events"
    events.mkdir()
    eager = {
        "spark.executor.memory": "1g",
        "spark.executorEnv.PYTHONPATH": str(Path(metaclip_spark.__file__).parent.parent),
        "spark.speculation": "true",
        "spark.speculation.efficiency.enabled": "false",
        "spark.speculation.interval": "5ms",
        "spark.speculation.multiplier": "0.01",
        "spark.speculation.quantile": "0.01",
        "spark.speculation.minTaskRuntime": "0ms",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": str(events),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
    }
    with standalone_cluster(tmp_path / "cluster", hosts=("127.0.0.1", "127.0.0.2")) as cluster:
        run = replace(run, output=str(tmp_path / "out"), master=cluster.url, settings=SETTINGS | eager)
        assert results_of(run.run()) == expected
    tasks = [json.loads(line) for log in events.iterdir() for line in log.read_text().splitlines() if "TaskEnd" in line]
    assert [task for task in tasks if task.get("Task Info", {}).get("Speculative")], "some tasks ran twice"


def test_readers_see_complete_versions(
    run: CurateProcess, expected: dict[str, Any], spark: SparkSession, tmp_path: Path
) -> None:
    before = replace(run, output=str(tmp_path / "out"), config={"t": 1.0})
    first = before.run()
    after = replace(before, config={"t": example.T, "overwrite": True})
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(after.run)
        seen = set()
        while not writing.done():
            table = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
            seen.add((table.count(), table.select("run_id").distinct().count()))
        assert results_of(writing.result()) == expected
    assert first is not None
    assert (first["counters"]["kept"], 1) in seen
    assert seen <= {(first["counters"]["kept"], 1), (expected["counters"]["kept"], 1)}
