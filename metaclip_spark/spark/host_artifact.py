"""One file per host: an artifact's bytes become a file that all workers of the host map.

A broadcast that every worker unpickles costs its size in each of them; a mapped file costs it once. The first worker of
a host that needs the artifact writes it to the host's cache directory under its digest, first under a temporary name,
then renamed: whoever comes at the same time writes the same bytes, and nobody ever sees half a file.
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
    """The compiled metadata with this digest, mapped from the host's cache.

    Args:
        artifact_digest: as the function of that name gives it.
        fetch: gives the artifact's bytes; called only if the host has no sound file of this digest.

    Returns:
        The same object for every call in this process.

    Raises:
        ArtifactError: the bytes fetched are not the artifact of this digest.
        EnvironmentProblemError: the host's cache cannot take them.
    """
    if artifact_digest not in _opened:
        path = Path(cache_root()) / f"{artifact_digest}{_SUFFIX}"
        compiled = _map_sound(path, artifact_digest)
        if compiled is None:  # absent, or damaged by a full disk or a cleaner: written anew
            _keep(path, fetch())
            drop_unused([*path.parent.glob(f"*{_SUFFIX}"), *path.parent.glob(f"*{_PARTIAL}")])
            compiled = map_artifact(path, expect_digest=artifact_digest)
        with contextlib.suppress(OSError):  # a cleaner was faster: what is mapped stays
            os.utime(path)
        _opened[artifact_digest] = compiled
    return _opened[artifact_digest]


def map_artifact(path: Path, *, expect_digest: str | None = None) -> CompiledMetadata:
    """Map an artifact file; its arrays are views of the mapping, which lives as long as they do.

    Args:
        path: the file.
        expect_digest: refuse any artifact but the one of this `artifact_digest`.

    Raises:
        ArtifactError: no such file, no sound artifact in it, or another one than expected.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ArtifactError(f"the artifact {path} cannot be opened: {error}; compile the metadata again") from error
    return artifact_from_buffer(mapped, expect_digest=expect_digest)


def _map_sound(path: Path, artifact_digest: str) -> CompiledMetadata | None:
    if not path.exists():
        return None
    try:
        return map_artifact(path, expect_digest=artifact_digest)
    except ArtifactError:
        return None


def _keep(path: Path, artifact: bytes) -> None:
    try:
        place(path, artifact)
    except OSError as error:
        raise EnvironmentProblemError(
            f"the metadata's artifact ({len(artifact):,} bytes) cannot be kept as {path.name} in the cache "
            f"{path.parent}: {error.strerror or error}: make room there, or name another folder in {CACHE_VARIABLE} "
            f"(for workers: spark.executorEnv.{CACHE_VARIABLE})"
        ) from error


def place(path: Path, content: bytes) -> None:
    """Make these bytes the content of a file at once, under a temporary name beside it until they are whole.

    A file that is there already is replaced, not overwritten: a process that has mapped it keeps the old content, where
    a file cut short under its mapping would kill it. Links are followed; a device or pipe is written to as it is.

    Raises:
        OSError: the file cannot be written; what was there before is unchanged.
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
