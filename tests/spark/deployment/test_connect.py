"""The same tables from a Spark Connect client and server in their own processes, as on serverless and shared clusters.

pip install -e '.[local,connect,dev]' && pytest -m connect
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark
import pytest
from content_digest import content_digest
from standalone import SPARK_HOME, free_port, wait_for_line

from metaclip_spark import CurateConfig, Pool, PoolColumns, curate, example
from metaclip_spark.spark.session.build import LOCAL_SETTINGS
from metaclip_spark.spark.session.delta import DELTA_SETTINGS, JARS_IN_SPARK, delta_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = [pytest.mark.spark, pytest.mark.connect]
pytest.importorskip("grpc", reason="needs the extra [connect]")

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a running server."""
    folder = tmp_path_factory.mktemp("connect")
    port = free_port()
    settings = (
        DELTA_SETTINGS
        | LOCAL_SETTINGS
        | {
            "spark.connect.grpc.binding.port": str(port),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.jars.packages": delta_package(pyspark.__version__),
            "spark.jars.excludes": ",".join(JARS_IN_SPARK),
            "spark.log.level": "INFO",
            "spark.driver.memory": "2g",
            "spark.sql.shuffle.partitions": "2",
            # Optimizing and generating code for long runs would be most of this JVM's work.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        }
    )
    command = [SPARK_HOME / "bin" / "spark-submit", "--master", "local[2]", "--class", SERVER]
    command += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    # The Python workers of the server need the library of the client
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(SPARK_HOME)}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, "spark-internal"], env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for_line(folder / "server.log", "Spark Connect server started")
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def by_connect(server: str, example_root: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("by-connect")
    asked = {
        "pool": example_root.replace("tables", "pool"), "metadata": str(example.metadata_path()), "t": example.T,
        "output": str(folder),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, Path(__file__).parents[2] / "support" / "connect_process.py", json.dumps(asked)],
        env={**os.environ, "SPARK_REMOTE": server}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-8_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_session_was_a_connect_session(by_connect: dict[str, Any]) -> None:
    assert by_connect["kind"] == "pyspark.sql.connect.session"
    assert not by_connect["has_spark_context"]


def test_the_tables_equal_those_of_a_spark_context(
    by_connect: dict[str, Any],
    spark: SparkSession,
    example_metadata: CompiledMetadata,
    example_root: str,
    tmp_path: Path,
) -> None:
    pool = Pool(paths=(example_root.replace("tables", "pool"),), columns=PoolColumns(image_url="image_url"))
    one_text = CurateConfig(t=example.T, texts_per_image="one_text_per_image")
    roots = {"t": example_root, "size": str(tmp_path / "size"), "one text": str(tmp_path / "one-text")}
    curate(spark, pool, example_metadata, roots["size"], CurateConfig(target_size=10_000))
    curate(spark, pool, example_metadata, roots["one text"], one_text)
    expected = {
        name: {
            table: list(content_digest(spark.read.format("delta").load(f"{root}/{table}"), without=()))
            for table in ("curated", "entry_counts", "size_curve")
        }
        for name, root in roots.items()
    }
    assert by_connect["tables"] == expected
    assert by_connect["again"] == {"t": True, "size": True, "one text": True}


def test_audits_work(by_connect: dict[str, Any], example_root: str) -> None:
    assert example_root
    audits = by_connect["audits"]
    assert audits["explained"] == "kept"
    assert audits["checked"] == audits["inspected"]["curated"] == 26_415
    assert audits["sizes"] == {"1.0": 18_998}
    assert audits["sampled"] == 4_773
    assert "/no/such/pool" in by_connect["no pool"]
    assert "PATH_NOT_FOUND" in by_connect["no pool"]
