"""One file per host: an artifact's bytes become a file that all workers of the host map.

A broadcast that every worker unpickles costs its size in each of them; a mapped file costs it once. The first worker of
a host that needs the artifact writes it to the host's cache directory under its digest, first under a temporary name,
then renamed: whoever comes at the same time writes the same bytes, and nobody ever sees half a file.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.jit import cache_root
from metaclip_spark.core.matching.artifact import artifact_from_buffer
from metaclip_spark.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaclip_spark.core.matching.tables import CompiledMetadata

_SUFFIX: Final = ".artifact"
_UNUSED_DAYS: Final = 30
_opened: dict[str, CompiledMetadata] = {}


def open_on_host(artifact_digest: str, fetch: Callable[[], bytes]) -> CompiledMetadata:
    """The compiled metadata with this digest, mapped from the host's cache.

    Args:
        artifact_digest: `CompiledMetadata.artifact_digest`.
        fetch: gives the artifact's bytes; called only if the host has no sound file of this digest.

    Returns:
        The same object for every call in this process.

    Raises:
        ArtifactError: the bytes fetched are not the artifact of this digest.
    """
    if artifact_digest not in _opened:
        path = Path(cache_root()) / f"{artifact_digest}{_SUFFIX}"
        compiled = _map_sound(path, artifact_digest)
        if compiled is None:  # absent, or damaged by a full disk or a cleaner: written anew
            _place(path, fetch())
            compiled = map_artifact(path)
            _refuse_other(compiled, artifact_digest)
        with contextlib.suppress(OSError):  # a cache that has become read-only still serves
            os.utime(path)
        _opened[artifact_digest] = compiled
    return _opened[artifact_digest]


def map_artifact(path: Path) -> CompiledMetadata:
    """Map an artifact file; its arrays are views of the mapping, which lives as long as they do.

    Raises:
        ArtifactError: no such file, or no sound artifact in it.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ArtifactError(f"the artifact {path} cannot be opened: {error}; compile the metadata again") from error
    return artifact_from_buffer(mapped)


def _map_sound(path: Path, artifact_digest: str) -> CompiledMetadata | None:
    if not path.exists():
        return None
    try:
        compiled = map_artifact(path)
        _refuse_other(compiled, artifact_digest)
    except ArtifactError:
        return None
    return compiled


def _refuse_other(compiled: CompiledMetadata, artifact_digest: str) -> None:
    if compiled.artifact_digest != artifact_digest:
        raise ArtifactError(
            f"the artifact has digest {compiled.artifact_digest}, not {artifact_digest}: the workers run another "
            "version of metaclip_spark than the driver; install the same on both"
        )


def _place(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem[:16]}-", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _drop_unused(path.parent)


def _drop_unused(folder: Path) -> None:
    """Artifacts that nobody has opened for a month; a process that still maps one keeps it until it ends."""
    oldest = time.time() - _UNUSED_DAYS * 86_400
    for path in [*folder.glob(f"*{_SUFFIX}"), *folder.glob("*.partial")]:
        with contextlib.suppress(OSError):  # another worker was first
            if path.stat().st_mtime < oldest:
                path.unlink()
