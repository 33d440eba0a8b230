"""Cache directory of the host, in which worker processes of one user share compiled kernels and unpacked artifacts.

Compiled kernels are machine code that a worker process runs without further checks. The directory is therefore used
only if it belongs to this user and neither its group nor others can write to it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.places import here

if TYPE_CHECKING:
    from collections.abc import Iterable

CACHE_VARIABLE: Final = "METACLIP_SPARK_CACHE_DIR"
"""Environment variable that names the cache directory; for executors whose home is not writable or not local."""

_UNUSED_DAYS: Final = 30
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def cache_root() -> str:
    """Return the cache directory of the host, and create it if it does not exist.

    It is the first of these that can be created and written, and that no other user can write to:
    $METACLIP_SPARK_CACHE_DIR; `metaclip_spark` under $XDG_CACHE_HOME; `metaclip_spark` under `~/.cache`;
    `metaclip_spark-<user>` under the system's temporary directory, unless that is a symbolic link, which any user could
    have created; a new directory for this process only.

    Returns:
        An absolute path, safe to share between processes of one user.

    Raises:
        EnvironmentProblemError: The environment variable names a directory that cannot be used.
    """
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        try:
            return _writable(here(override).resolve())
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise EnvironmentProblemError(
                f"{CACHE_VARIABLE}={override} cannot be used: {error}. The cache contains machine code, so name a "
                "directory to which only this user can write (mode 700), or one that does not exist yet."
            ) from error
    xdg = os.environ.get("XDG_CACHE_HOME")
    candidates = [Path(xdg) / "metaclip_spark"] if xdg else []
    with contextlib.suppress(RuntimeError):  # this user has no home directory
        candidates.append(Path.home() / ".cache" / "metaclip_spark")
    for candidate in candidates:
        with contextlib.suppress(OSError, RuntimeError):
            return _writable(candidate.resolve())
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    with contextlib.suppress(OSError):
        return _writable(Path(tempfile.gettempdir()).resolve() / f"metaclip_spark-{user}")
    return _own_directory()


@cache
def _own_directory() -> str:
    """Return a new directory for this process only."""
    return tempfile.mkdtemp(prefix="metaclip_spark-")


def _writable(path: Path) -> str:
    private_directory(path)
    with tempfile.TemporaryFile(dir=path):
        pass
    return str(path)


def private_directory(path: Path) -> None:
    """Create a directory if it does not exist, and check that only this user can have written to it.

    Args:
        path: Directory itself, not a link to it, which another user could have created.

    Raises:
        PermissionError: It is a link, belongs to another user, or its group or others can write to it.
        OSError: It cannot be created.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = path.lstat()
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "link"
        if kind == "link" or status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE:
            raise PermissionError(
                f"{path} is a {kind} of user {status.st_uid} with mode {stat.S_IMODE(status.st_mode):o}, not a "
                f"directory of user {os.getuid()} to which its group and others cannot write"
            )


def drop_unused(paths: Iterable[Path]) -> None:
    """Delete the files and directories that were not touched for 30 days.

    A process that has mapped or loaded one can still use it.
    """
    oldest = time.time() - _UNUSED_DAYS * 86_400
    for path in paths:
        with contextlib.suppress(OSError):  # another process deleted it
            if path.lstat().st_mtime < oldest:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
