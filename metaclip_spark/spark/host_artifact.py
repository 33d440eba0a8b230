"""Compiled metadata as one file per host, which all workers of the host map.

A broadcast costs its size in every worker that unpickles it; a mapped file costs it once. The first worker of a host
that needs the artifact writes it to the host's cache directory under a temporary name and renames it to its digest.
Workers that do so at the same time write the same bytes, and no worker ever sees an incomplete file.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.matching.artifact import artifact_from_buffer
from metaclip_spark.errors import ArtifactError, EnvironmentProblemError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE, cache_root, drop_unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_SUFFIX: Final = ".artifact"
_PARTIAL: Final = ".partial"
_opened: dict[str, CompiledMetadata] = {}


def open_on_host(artifact_digest: str, fetch: Callable[[], bytes]) -> CompiledMetadata:
    """Return the compiled metadata with this digest, mapped from the host's cache.

    Args:
        artifact_digest: Result of the function of that name.
        fetch: Function that returns the artifact's bytes; called only if the host has no valid file of this digest.

    Returns:
        The same object for every call in this process.

    Raises:
        ArtifactError: The fetched bytes are not the artifact of this digest.
        EnvironmentProblemError: The bytes cannot be written to the host's cache.
    """
    if artifact_digest not in _opened:
        path = Path(cache_root()) / f"{artifact_digest}{_SUFFIX}"
        compiled = _map_if_valid(path, artifact_digest)
        if compiled is None:  # absent, or damaged by a full disk or a cleaner
            _store(path, fetch())
            drop_unused([*path.parent.glob(f"*{_SUFFIX}"), *path.parent.glob(f"*{_PARTIAL}")])
            compiled = map_artifact(path, expect_digest=artifact_digest)
        with contextlib.suppress(OSError):  # a cleaner was faster; the mapping is still valid
            os.utime(path)
        _opened[artifact_digest] = compiled
    return _opened[artifact_digest]


def map_artifact(path: Path, *, expect_digest: str | None = None) -> CompiledMetadata:
    """Map an artifact file; its arrays are views of the mapping, which lives as long as they do.

    Args:
        path: Artifact file.
        expect_digest: Digest that the artifact must have; None: any.

    Raises:
        ArtifactError: The file does not exist, is damaged, or contains another artifact than expected.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ArtifactError(f"The artifact {path} cannot be opened: {error}. Compile the metadata again.") from error
    return artifact_from_buffer(mapped, expect_digest=expect_digest)


def _map_if_valid(path: Path, artifact_digest: str) -> CompiledMetadata | None:
    if not path.exists():
        return None
    try:
        return map_artifact(path, expect_digest=artifact_digest)
    except ArtifactError:
        return None


def _store(path: Path, artifact: bytes) -> None:
    try:
        replace_file(path, artifact)
    except OSError as error:
        raise EnvironmentProblemError(
            f"The metadata's artifact ({len(artifact):,} bytes) cannot be stored as {path.name} in the cache "
            f"{path.parent}: {error.strerror or error}. Free space there, or name another folder in {CACHE_VARIABLE} "
            f"(for executors: spark.executorEnv.{CACHE_VARIABLE})."
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Replace the content of a file in one step, by writing a temporary file beside it and renaming that.

    An existing file is replaced, not overwritten: a process that has mapped it keeps the old content, whereas a file
    truncated under its mapping would kill the process. Links are followed; a device or pipe is written to directly.

    Raises:
        OSError: The file cannot be written; its previous content is unchanged.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    temporary = path.with_name(f"{path.name[:16]}-{secrets.token_hex(8)}{_PARTIAL}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
