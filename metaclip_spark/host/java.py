"""Find the Java that Spark would start, and judge its version before Spark fails on it with a stack trace."""

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
"""What Spark 4.2 runs on; 17 and 21 are the ones to install."""

_REMEDY = (
    "install Java 17 or 21 (a JRE is enough) and put its bin folder on PATH, or set JAVA_HOME to it; or let pip bring "
    "one: pip install 'metaclip-spark[jre]'"
)
_VERSION = re.compile(r'version "(?P<version>(?:1\.)?(?P<major>\d+)[^"]*)"')
_START_LIMIT_SECONDS = 60


class Java(NamedTuple):
    """A Java runtime that Spark can use."""

    executable: Path
    major: int


def find_java(environment: Mapping[str, str]) -> Java:
    """The Java that Spark's launcher would take: JAVA_HOME's if that is set, else the first on PATH.

    Raises:
        EnvironmentProblemError: there is none, it does not run, or its version is not one of SUPPORTED_MAJORS.
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
        raise EnvironmentProblemError(f"{executable} does not run ({error}): {_REMEDY}") from error
    found = _VERSION.search(answer.stderr + answer.stdout)
    if found is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()[:1]
        raise EnvironmentProblemError(f"{executable} -version does not tell a version (it says {said}): {_REMEDY}")
    major = int(found["major"])
    if major not in SUPPORTED_MAJORS:
        raise EnvironmentProblemError(f"{executable} is Java {found['version']}, which Spark 4 cannot use: {_REMEDY}")
    return Java(executable, major)


def _locate(environment: Mapping[str, str]) -> Path:
    home = environment.get("JAVA_HOME")
    if home:
        executable = Path(home) / "bin" / "java"
        if not executable.is_file():
            raise EnvironmentProblemError(f"JAVA_HOME is {home}, but there is no {executable}: {_REMEDY}, or unset it")
        return executable
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path is None:
        raise EnvironmentProblemError(f"no Java found: JAVA_HOME is not set and PATH has no `java`; {_REMEDY}")
    return Path(on_path)
