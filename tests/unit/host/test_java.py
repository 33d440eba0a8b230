"""The check of Java before Spark starts it: fake executables represent each kind of machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.java import find_java

if TYPE_CHECKING:
    from pathlib import Path


class Case(NamedTuple):
    name: str
    says: str | None  # what `java -version` prints, None: there is no java
    expected: int | tuple[str, ...]  # the major version, or what the error must say


OPENJDK = 'openjdk version "{}" 2025-04-15'
CASES = [
    Case("Java 17", OPENJDK.format("17.0.15"), 17),
    Case("Java 21 without minor version", OPENJDK.format("21"), 21),
    Case("early access", OPENJDK.format("21-ea"), 21),
    Case("Java 8 calls itself 1.8", 'java version "1.8.0_392"', ("1.8.0_392", "Java 17 or 21", "JAVA_HOME")),
    Case("Java 11 is too old", OPENJDK.format("11.0.22"), ("11.0.22", "Java 17 or 21")),
    Case("Java 18 is unknown to Spark", OPENJDK.format("18.0.1"), ("18.0.1", "Java 17 or 21")),
    Case("a stub that only advertises", "No Java runtime present", ("No Java runtime present", "Java 17 or 21")),
    Case("no Java", None, ("No Java", "Java 17 or 21", "PATH")),
]


def fake_java(folder: Path, says: str | None) -> Path:
    folder.mkdir(parents=True)
    if says is not None:
        java = folder / "java"
        java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
        java.chmod(0o755)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("by", ["PATH", "JAVA_HOME"])
def test_found_or_refused(case: Case, by: str, tmp_path: Path) -> None:
    folder = fake_java(tmp_path / "jdk" / "bin", case.says)
    environment = {"PATH": str(folder)} if by == "PATH" else {"JAVA_HOME": str(folder.parent), "PATH": ""}
    if isinstance(case.expected, int):
        assert find_java(environment) == (folder / "java", case.expected)
        return
    with pytest.raises(EnvironmentProblemError) as caught:
        find_java(environment)
    expected = case.expected if case.says or by == "PATH" else ("JAVA_HOME is", "Java 17 or 21", "unset")
    assert [part for part in expected if part not in str(caught.value)] == []


def test_java_home_wins_over_path_as_in_sparks_launcher(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home" / "bin", OPENJDK.format("21.0.1")).parent
    path = fake_java(tmp_path / "path", OPENJDK.format("11.0.1"))
    assert find_java({"JAVA_HOME": str(home), "PATH": str(path)}).major == 21


def test_not_executable(tmp_path: Path) -> None:
    java = fake_java(tmp_path / "bin", OPENJDK.format("17")) / "java"
    java.write_bytes(b"\x7fELF broken")
    with pytest.raises(EnvironmentProblemError, match="does not run"):
        find_java({"JAVA_HOME": str(tmp_path)})
