"""jobs/curate.py under spark-submit in one process; test_standalone.py has the cluster."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest

from metaclip_spark import cli
from metaclip_spark.spark.session.build import LOCAL_SETTINGS
from metaclip_spark.spark.session.delta import DELTA_SETTINGS, JARS_IN_SPARK, delta_package

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

SUBMIT = Path(sys.executable).parent / "spark-submit"


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    table = pa.table({"id": ["x", "y", "z"], "text": ["a red photo", "photo", "nothing"]})
    pq.write_table(table, tmp_path / "pool.parquet")
    (tmp_path / "list.txt").write_text("photo\nred\n")
    return tmp_path


def submit(repository: Path, folder: Path, *spark_options: str) -> subprocess.CompletedProcess[str]:
    job = [str(repository / "jobs" / "curate.py"), "--conf", str(repository / "conf" / "cluster.toml")]
    options = ["--pool", "pool.parquet", "--id-column", "id", "--metadata", "list.txt", "--tables", "out", "--json"]
    return subprocess.run(
        [SUBMIT, "--master", "local[2]", *spark_options, *job, *options],
        cwd=folder,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_submitted(repository: Path, inputs: Path, spark: SparkSession) -> None:
    delta = [part for key, value in DELTA_SETTINGS.items() for part in ("--conf", f"{key}={value}")]
    packages = ["--packages", delta_package(pyspark.__version__), "--exclude-packages", ",".join(JARS_IN_SPARK)]
    run = submit(repository, inputs, *packages, *delta)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["languages"]["en"]["t"] == 20_000.0, "conf/cluster.toml"
    assert report["counters"]["kept"] == 2
    assert spark.read.format("delta").load(report["tables"]["curated"]).count() == 2


def test_submitted_without_delta(repository: Path, inputs: Path) -> None:
    run = submit(repository, inputs)
    assert run.returncode == 5
    output = run.stdout + run.stderr  # spark-submit sends both streams of a Python program to its standard output
    assert "spark-submit: --conf and --packages" in output
    assert "spark.sql.extensions=" in output


@pytest.mark.parametrize("job", ["append", "check", "curate", "estimate", "metadata", "rebalance"])
def test_only_a_failure_exits(job: str, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Databricks takes any SystemExit for a failure."""
    path = str(repository / "jobs" / f"{job}.py")
    monkeypatch.setattr(sys, "argv", [path, "--json"])
    monkeypatch.setattr(cli, "main", lambda arguments: 0 if arguments == [job, "--json"] else 2)
    runpy.run_path(path, run_name="__main__")
    monkeypatch.setattr(cli, "main", lambda _: 7)
    with pytest.raises(SystemExit, match="7"):
        runpy.run_path(path, run_name="__main__")


@pytest.mark.skipif(not pyspark.__version__.startswith("4.2."), reason="the files are for the Spark of [local]")
@pytest.mark.parametrize("file", ["conf/spark-submit.conf", "docker/spark-defaults.conf"])
def test_settings_files_agree_with_the_settings_of_build_session(repository: Path, file: str) -> None:
    lines = [line.split(None, 1) for line in (repository / file).read_text(encoding="utf-8").splitlines()]
    settings = {line[0]: line[1] for line in lines if line and line[0] != "#"}
    assert DELTA_SETTINGS.items() <= settings.items()
    of_java = {key: value for key, value in settings.items() if key.endswith("JavaOptions")}
    assert of_java.keys() >= {"spark.executor.extraJavaOptions", "spark.executor.defaultJavaOptions"}
    assert of_java.items() <= LOCAL_SETTINGS.items()
    if "spark.jars.packages" in settings:
        assert settings["spark.jars.packages"] == delta_package("4.2.0")
        assert settings["spark.jars.excludes"] == ",".join(JARS_IN_SPARK)
