"""The command that a container of the image runs. Programs that print their arguments stand in for Spark's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SAYS = '#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n'
# Environment that Spark 4.2 gives to the pod of an executor
EXECUTOR = {
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@driver:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "4",
    "SPARK_EXECUTOR_MEMORY": "4096m",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.3",
    "SPARK_EXECUTOR_POD_NAME": "curate-exec-3",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_CONF_DIR": "/opt/spark/conf",
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    for program in ("bin/java", "spark/bin/spark-submit", "jre/bin/java"):
        path = tmp_path / program
        path.parent.mkdir(parents=True)
        path.write_text(SAYS)
        path.chmod(0o755)
    return tmp_path


def called(repository: Path, image: Path, *arguments: str, **environment: str) -> list[str]:
    settings = {"PATH": f"{image}/bin:/usr/bin:/bin", "SPARK_HOME": f"{image}/spark", **environment}
    command = [str(repository / "docker" / "entrypoint"), *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout.splitlines()


def test_any_other_command_is_run_unchanged(repository: Path, image: Path) -> None:
    assert called(repository, image, "echo", "two  spaces", "driver") == ["two  spaces driver"]


def test_driver(repository: Path, image: Path) -> None:
    rest = ["--properties-file", "/opt/spark/conf/spark.properties", "local:///opt/jobs/curate.py", "--pool", "a b"]
    found = called(repository, image, "driver", *rest, SPARK_DRIVER_BIND_ADDRESS="10.0.0.2")
    address = ["--conf", "spark.driver.bindAddress=10.0.0.2"]
    assert found == ["spark-submit", *address, "--deploy-mode", "client", *rest]


@pytest.mark.parametrize("options", [[], ["-XX:+UseParallelGC", "-Dwords=a b"]], ids=["no options", "options"])
def test_executor(options: list[str], repository: Path, image: Path) -> None:
    numbered = {f"SPARK_JAVA_OPT_{number}": option for number, option in enumerate(options)}
    found = called(repository, image, "executor", **EXECUTOR, **numbered)
    assert found == [
        "java", *options, "-Xms4096m", "-Xmx4096m", "-cp", f"/opt/spark/conf:{image}/spark/jars/*",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", "spark://CoarseGrainedScheduler@driver:7078", "--executor-id", "3", "--cores", "4",
        "--app-id", "spark-1", "--hostname", "10.0.0.3", "--resourceProfileId", "0", "--podName", "curate-exec-3",
    ]  # fmt: skip


def test_executor_with_its_own_java_and_classes(repository: Path, image: Path) -> None:
    own = {"JAVA_HOME": f"{image}/jre", "SPARK_CLASSPATH": "/more.jar"}
    (image / "bin" / "java").unlink()
    found = called(repository, image, "executor", **EXECUTOR, **own)
    assert f"/opt/spark/conf:/more.jar:{image}/spark/jars/*" in found
