"""Search for the Java that Spark starts, and check its version before Spark fails with a stack trace."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUPPORTED_MAJORS = (17, 21, 25)
"""Versions that Spark 4.2 supports; 17 and 21 are recommended."""

_REMEDY = (
    "Install Java 17 or 21 (a JRE is enough), and put its bin folder on PATH or set JAVA_HOME to its folder; or "
    "let pip install one: pip install 'metaclip-spark[jre]'"
)
_VERSION = re.compile(r'version "(?P<version>(?:1\.)?(?P<major>\d+)[^"]*)"')
_START_LIMIT_SECONDS = 60


class Java(NamedTuple):
    """A Java runtime that Spark can use."""

    executable: Path
    major: int


def find_java(environment: Mapping[str, str]) -> Java:
    """Return the Java that Spark's launcher starts: that of JAVA_HOME if it is set, otherwise the first on PATH.

    Raises:
        EnvironmentProblemError: There is no Java, it does not run, or its version is not one of SUPPORTED_MAJORS.
    """
    executable = _locate(environment)
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java, no shell
            [executable, "-version"],
            capture_output=True,
            text=True,
            timeout=_START_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentProblemError(f"{executable} does not run ({error}). {_REMEDY}") from error
    found = _VERSION.search(answer.stderr + answer.stdout)
    if found is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()[:1]
        raise EnvironmentProblemError(f"{executable} -version prints no version, but {said}. {_REMEDY}")
    major = int(found["major"])
    if major not in SUPPORTED_MAJORS:
        raise EnvironmentProblemError(
            f"{executable} is Java {found['version']}, which Spark 4 does not support. {_REMEDY}"
        )
    return Java(executable, major)


def _locate(environment: Mapping[str, str]) -> Path:
    home = environment.get("JAVA_HOME")
    if home:
        executable = Path(home) / "bin" / "java"
        if not executable.is_file():
            raise EnvironmentProblemError(
                f"JAVA_HOME is {home}, but {executable} does not exist. Correct JAVA_HOME or unset it. {_REMEDY}"
            )
        return executable
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path is None:
        raise EnvironmentProblemError(
            f"No Java was found: JAVA_HOME is not set, and there is no `java` on PATH. {_REMEDY}"
        )
    return Path(on_path)
