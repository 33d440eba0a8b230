"""The DAG, in Airflow's own environment and on a standalone cluster, with pools that are added to a curated table.

    pytest -m airflow

first makes that environment from jobs/airflow/requirements.txt (minutes); METACLIP_SPARK_TEST_AIRFLOW names the Python
of an existing one.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from airflow_installation import airflow_python, installation_in
from content_digest import content_digest
from pools import ENTRIES, made_up_table, write_files
from standalone import SPARK_HOME, standalone_cluster

from metaclip_spark import CurateConfig, Pool, PoolColumns, curate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_installation import Installation
    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = [pytest.mark.spark, pytest.mark.airflow]

ROWS = 3_000
STAGES = ["estimate", "append", "rebalance", "check"]
PROPERTIES = """
spark.executor.cores 1
spark.executor.memory 1g
spark.driver.memory 1g
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1
spark.sql.shuffle.partitions 2
"""
# Replaces spark-submit: kills the first append with its driver once its counts are stored.
KILLS_ONCE = """#!/usr/bin/env bash
if [[ "$*" == *jobs/append.py* && "$*" == *third* && ! -e {folder}/killed ]]; then
    before=$(ls {output}/entry_counts/_delta_log/*.json | wc -l)
    setsid {submit} "$@" & job=$!
    while [[ $(ls {output}/entry_counts/_delta_log/*.json | wc -l) == "$before" ]]; do
        kill -0 $job 2>/dev/null || break
        sleep 0.05
    done
    touch {folder}/killed
    kill -9 -- -$job
    wait $job
    exit 137
fi
exec {submit} "$@"
"""


@pytest.fixture(scope="module")
def python(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return airflow_python(repository, tmp_path_factory.mktemp("airflow-venv"))


@pytest.fixture(scope="module")
def installation(
    python: Path,
    repository: Path,
    spark: SparkSession,
    metadata: CompiledMetadata,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("airflow")
    table = made_up_table(3 * ROWS)
    for number, name in enumerate(("first", "second", "third")):
        write_files(table.slice(number * ROWS, ROWS).drop_columns("id"), folder / "pools" / name, files=2)
    (folder / "entries.txt").write_text("\n".join(ENTRIES))
    pool = Pool(paths=(str(folder / "pools" / "first"),), columns=PoolColumns(image_url="image_url"), name="first")
    curate(spark, pool, metadata, str(folder / "tables"), CurateConfig(t=20))
    archive = Path(os.environ.get("METACLIP_SPARK_TEST_ARCHIVE", folder / "environment.tar.gz"))
    pack = [sys.executable, "jobs/pack.py", "--keep", "--output", archive]
    subprocess.run(pack, cwd=repository, check=True, capture_output=True)
    (folder / "spark-submit.conf").write_text((repository / "conf" / "spark-submit.conf").read_text() + PROPERTIES)
    submit = folder / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text(
        KILLS_ONCE.format(folder=folder, output=folder / "tables", submit=SPARK_HOME / "bin" / "spark-submit")
    )
    submit.chmod(submit.stat().st_mode | stat.S_IXUSR)
    with standalone_cluster(folder / "cluster") as cluster:
        host, _, port = cluster.url.rpartition(":")
        parameters = {
            "pool": f"{folder}/pools/{{pool_name}}", "url_column": "image_url", "metadata": str(folder / "entries.txt"),
            "tables": str(folder / "tables"), "t": "20", "sample": "0.9",
        }  # fmt: skip
        settings = {
            "PATH": f"{submit.parent}:{os.environ['PATH']}",
            "SPARK_HOME": str(SPARK_HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": host, "port": int(port)}),
            "AIRFLOW_VAR_METACLIP_SPARK": json.dumps(parameters),
            "METACLIP_SPARK_ARCHIVE": str(archive),
            "METACLIP_SPARK_DRIVER_PYTHON": sys.executable,
            "METACLIP_SPARK_PROPERTIES": str(folder / "spark-submit.conf"),
        }
        yield installation_in(folder, python, repository, settings)


def test_each_pool_joins_once(installation: Installation, spark: SparkSession, metadata: CompiledMetadata) -> None:
    first = installation.run("2026-02-01", "second")
    assert first["state"] == "success"
    assert [first["tasks"][stage]["tries"] for stage in STAGES] == [1, 1, 1, 1]
    reported = first["tasks"]["report"]["xcom"]
    assert reported["checked"]["run_id"] == reported["appended"]["run_id"]
    assert len(json.dumps(first["tasks"])) < 5_000, "XComs are small"
    before = spark.sql(f"DESCRIBE HISTORY delta.`{installation.folder}/tables/curated`").count()

    # A second run for the same date
    second = installation.run("2026-02-01", "second")
    assert second["state"] == "success"
    assert second["tasks"]["append"]["xcom"]["already_finished"]
    assert second["tasks"]["rebalance"]["xcom"]["already_finished"]
    assert second["tasks"]["report"]["xcom"]["checked"] == reported["checked"]
    assert spark.sql(f"DESCRIBE HISTORY delta.`{installation.folder}/tables/curated`").count() == before

    # A pool whose append is killed half-way, and is retried
    third = installation.run("2026-03-01", "third")
    assert third["state"] == "success"
    assert (installation.folder / "killed").exists()
    assert {stage: third["tasks"][stage]["tries"] for stage in STAGES} == dict.fromkeys(STAGES, 1) | {"append": 2}

    # The same as one run over all pools
    folder = installation.folder
    pool = Pool(
        paths=tuple(str(folder / "pools" / name) for name in ("first", "second", "third")),
        columns=PoolColumns(image_url="image_url"),
    )
    curate(spark, pool, metadata, str(folder / "at-once"), CurateConfig(t=20))
    joined, at_once = (
        content_digest(
            spark.read.format("delta").load(f"{root}/curated"), without=("run_id", "counts_version", "pool_name")
        )
        for root in (folder / "tables", folder / "at-once")
    )
    assert joined == at_once

    # A lost row is reported, and the check is not retried
    curated = f"delta.`{folder}/tables/curated`"
    lost = spark.sql(f"SELECT min(uid) AS uid FROM {curated}").collect()[0].uid
    spark.sql(f"DELETE FROM {curated} WHERE uid = '{lost}'")
    lossy = installation.run("2026-03-01", "third")
    assert lossy["state"] == "failed"
    assert {stage: (lossy["tasks"][stage]["state"], lossy["tasks"][stage]["tries"]) for stage in STAGES} == {
        **dict.fromkeys(STAGES, ("success", 1)), "check": ("failed", 1),
    }  # fmt: skip
    message = (
        r"check: \S+/curated, version \d+, is not what run \S+ should have left: (\d+) rows, but the run kept (\d+)"
    )
    figures = re.search(message, (folder / "2026-03-01-third.log").read_text())
    assert figures
    assert int(figures[1]) == int(figures[2]) - 1


def test_a_pool_of_another_language_is_refused_with_its_figures(installation: Installation) -> None:
    strange = made_up_table(500)
    strange = strange.set_column(strange.schema.get_field_index("text"), "text", [["nichts davon"] * 485 + ["w1"] * 15])
    write_files(strange.drop_columns("id"), installation.folder / "pools" / "strange")
    found = installation.run("2026-04-01", "strange", retries=0)
    assert found["state"] == "failed"
    states = {stage: found["tasks"][stage]["state"] for stage in STAGES}
    assert states == {"estimate": "failed"} | dict.fromkeys(STAGES[1:], "upstream_failed")
    log = (installation.folder / "2026-04-01-strange.log").read_text()
    figures = r"At most [3-9]\.\d% of the 500 rows match any entry, estimated from 4\d\d rows"
    assert re.search(f"estimate: {figures}", log)


def test_functions_of_the_dag(python: Path, repository: Path, tmp_path: Path) -> None:
    """Run their examples in Airflow's Python."""
    command = [python, "-B", "-m", "doctest", repository / "jobs" / "airflow" / "metaclip_spark_periodic.py"]
    done = subprocess.run(
        command, env={"AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Databricks(BaseHTTPRequestHandler):
    """The part of Databricks' REST API that the operator uses; every submitted run succeeds."""

    submitted: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        assert self.path.endswith("/jobs/runs/submit"), self.path
        assert self.headers["Authorization"] == "Bearer secret"
        self.submitted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer({"run_id": len(self.submitted)})

    def do_GET(self) -> None:
        assert "/jobs/runs/get" in self.path, self.path
        state = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "state_message": ""}
        self._answer({"run_page_url": "https://example.org/run", "state": state})

    def _answer(self, what: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(what).encode())


def test_stages_go_to_databricks_by_a_switch(python: Path, repository: Path, tmp_path: Path) -> None:
    """The operator is real; a server that records its requests stands in for Databricks."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Databricks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parameters = {"pool": "/Volumes/pools/{pool_name}", "url_column": "", "metadata": "a.b.entries", "tables": "a.b"}
    connection = {"conn_type": "databricks", "host": "127.0.0.1", "port": server.server_port, "schema": "http"}
    settings = {
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(connection | {"password": "secret"}),
        "AIRFLOW_VAR_METACLIP_SPARK": json.dumps(parameters),
        "METACLIP_SPARK_PLATFORM": "databricks",
        "METACLIP_SPARK_CLUSTER": "0123-cluster",
        "METACLIP_SPARK_WHEEL": "/Volumes/wheel.whl",
        "METACLIP_SPARK_JOBS": "/Volumes/jobs",
    }
    found = installation_in(tmp_path, python, repository, settings).run("2026-03-01")
    server.shutdown()
    assert found["state"] == "success"
    assert [run["spark_python_task"]["python_file"] for run in Databricks.submitted] == [
        f"/Volumes/jobs/{name}.py" for name in ("estimate", "append", "rebalance", "check")
    ]
    assert {run["existing_cluster_id"] for run in Databricks.submitted} == {"0123-cluster"}
    assert all(run["libraries"] == [{"whl": "/Volumes/wheel.whl"}] for run in Databricks.submitted)
    assert Databricks.submitted[1]["spark_python_task"]["parameters"] == [
        "--pool", "/Volumes/pools/2026-02", "--pool-name", "2026-02", "--text-column", "text",
        "--metadata", "a.b.entries",         "--tables", "a.b", "--json",
    ]  # fmt: skip
