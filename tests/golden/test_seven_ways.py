"""The embedded example has the same tables in every way: other partitions, processes, and killed executors.

`tests/bench/acceptance.py` repeats this with millions of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from curate_process import CLUSTER, CurateProcess, Kill, results_of, run_in_one_session, table_digests
from pools import write_files

from metaclip_spark import example

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

CLUSTER_FILES = 24


@dataclass(frozen=True)
class Way:
    """A way to run the curation: the number of files, each of which is one partition, and the process to kill."""

    name: str
    files: int
    kill: Kill | None = None


LOCAL = [Way("1 partition", 1), Way("7 partitions", 7), Way("200 partitions", 200)]
ON_A_CLUSTER = [
    Way("two executors", CLUSTER_FILES),
    Way("an executor killed in pass 1", CLUSTER_FILES, Kill("executor", "count", CLUSTER_FILES)),
    Way("an executor killed in pass 2", CLUSTER_FILES, Kill("executor", "balance", CLUSTER_FILES)),
]


def run_ways(folder: Path, ways: list[Way], master: str) -> list[dict[str, Any]]:
    """Curate the example in each of the ways, in one new session."""
    settings = {
        # Few rows are written by as few tasks as there are cores. Spark is made to believe that there are enough cores
        # for a task per file in the second pass too.
        "spark.default.parallelism": str(max(way.files for way in ways)),
        # Optimizing for long runs would be most of the work of these JVMs.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    runs = []
    for number, way in enumerate(ways):
        pool = folder / f"pool-{way.files}"
        if not pool.exists():
            write_files(example.pool_table(), pool, way.files)
        runs.append(
            CurateProcess(
                pool=[str(pool)],
                metadata=str(example.metadata_path()),
                output=str(folder / f"tables-{number}"),
                columns={"image_url": "image_url"},
                master=master,
                config={"t": example.T},
                settings=settings,
                kill=way.kill,
            )
        )
    return run_in_one_session(runs)


def test_partitions_change_nothing(spark: SparkSession, example_root: str, tmp_path: Path) -> None:
    """Another process with the quickstart's settings, and 1, 7 and 200 partitions, against the session of the tests."""
    expected = table_digests(spark, Path(example_root))
    first, *others = map(results_of, run_ways(tmp_path, LOCAL, "local[2]"))
    assert {name: first[name] for name in expected} == expected
    assert others == [first] * len(others)


def test_a_cluster_and_killed_executors_change_nothing(spark: SparkSession, example_root: str, tmp_path: Path) -> None:
    expected = table_digests(spark, Path(example_root))
    results = run_ways(tmp_path, ON_A_CLUSTER, CLUSTER)
    for way, result in zip(ON_A_CLUSTER, results, strict=True):
        assert {name: result[name] for name in expected} == expected, way.name
        assert results_of(result) == results_of(results[0]), way.name
        if way.kill:
            assert result["killed"]["completed"] < CLUSTER_FILES, way.name
            assert not psutil.pid_exists(result["killed"]["pid"]), way.name
    print([result["killed"] for result in results])
