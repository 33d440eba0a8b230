"""Processes killed with signal 9 on a real cluster of two executors: the result is unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from curate_process import CLUSTER, CurateProcess, Kill, results_of
from pools import write_files

from metaclip_spark import example

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.spark, pytest.mark.cluster]

FILES = 40
SETTINGS = {
    # The stage after the shuffle by images is identified by its 24 tasks; adaptive execution would merge them.
    "spark.sql.shuffle.partitions": "24",
    "spark.sql.adaptive.enabled": "false",
    # A small table is written by as many tasks as this setting names, or as there are cores: one per file here.
    "spark.default.parallelism": str(FILES),
    # Full optimisation would be most of the work of these short-lived JVMs.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


@dataclass(frozen=True)
class Fault:
    """A kill, whether the run survives it and, if not, whether the next run finds the counts."""

    name: str
    kill: Kill
    texts: str = "all_pairs"
    next_run_reuses_counts: bool | None = None


FAULTS = [
    Fault("an executor in pass 1", Kill("executor", "count", FILES)),
    Fault("an executor in pass 2", Kill("executor", "balance", FILES)),
    Fault("an executor while images choose", Kill("executor", "balance", 24), texts="one_text_per_image"),
    Fault("a Python worker in pass 1", Kill("python worker", "count", FILES)),
    Fault("a Python worker in pass 2", Kill("python worker", "balance", FILES)),
    Fault("the driver in pass 1", Kill("driver", "count", FILES), next_run_reuses_counts=False),
    Fault("the driver in pass 2", Kill("driver", "balance", FILES), next_run_reuses_counts=True),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[CurateProcess, dict[str, Any]]]:
    """Curate the example, with three texts per image, in one process; return run and result by texts per image."""
    folder = tmp_path_factory.mktemp("undisturbed")
    table = example.pool_table()
    images = pc.binary_join_element_wise(
        "https://example.org/", pa.array(range(len(table))).cast(pa.string()), ".jpg", ""
    ).take(pa.array([number // 3 for number in range(len(table))]))
    table = table.append_column("id", pa.array(range(len(table)))).set_column(0, "image_url", images)
    write_files(table, folder / "pool", FILES)
    runs = {}
    for texts in ("all_pairs", "one_text_per_image"):
        run = CurateProcess(
            pool=[str(folder / "pool")],
            metadata=str(example.metadata_path()),
            output=str(folder / texts),
            columns={"uid": "id", "image_url": "image_url"},
            config={"t": example.T, "texts_per_image": texts},
            settings=SETTINGS,
        )
        found = run.run()
        assert found is not None
        assert found["counters"]["kept"] > 5_000
        runs[texts] = run, found
    return runs


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_nothing(
    undisturbed: dict[str, tuple[CurateProcess, dict[str, Any]]], tmp_path: Path, fault: Fault
) -> None:
    run, expected = undisturbed[fault.texts]
    run = replace(run, output=str(tmp_path / "out"), master=CLUSTER)
    found = replace(run, kill=fault.kill).run(may_die=fault.kill.what == "driver")
    if fault.kill.what == "driver":
        assert found is None
        found = run.run()
        assert found is not None
        assert found["counts_reused"] == fault.next_run_reuses_counts
    else:
        assert found is not None
        assert found["killed"]["completed"] < fault.kill.tasks
        assert not psutil.pid_exists(found["killed"]["pid"])
    print(fault.name, found["killed"], found["curated"])
    assert results_of(found) == results_of(expected)


def test_lost_python_workers_without_retries_are_an_error_that_the_next_run_repairs(
    undisturbed: dict[str, tuple[CurateProcess, dict[str, Any]]], tmp_path: Path
) -> None:
    """On `local[2]` Spark tries each task once."""
    run, expected = undisturbed["all_pairs"]
    run = replace(run, output=str(tmp_path / "out"))
    with pytest.raises(RuntimeError, match="Python worker exited unexpectedly"):
        replace(run, kill=Kill("all python workers", "balance", FILES)).run()
    found = run.run()
    assert found is not None
    assert found["counts_reused"]
    assert results_of(found) == results_of(expected)
