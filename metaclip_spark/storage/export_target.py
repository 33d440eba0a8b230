"""Where an export goes: nothing is replaced unasked, and what stands at its name is whole."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark.errors import AnalysisException

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.storage.locations import HAS_SCHEME, absolute, is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WHOLE: Final = "_SUCCESS"  # Spark writes it last into a folder of its own
_PARTIAL: Final = ".partial"
_LOCAL: Final = "file:"


def refuse_sources(target: str, sources: Iterable[str]) -> None:
    """Refuse a target in, or around, what is read.

    Raises:
        ConfigError: it is.
    """
    for source in sources:
        if is_inside(target, source) or is_inside(source, target):
            raise ConfigError(f"the target {target} overlaps with {source}, which is read: name a place outside of it")


@contextmanager
def new_folder(target: str, *, overwrite: bool) -> Iterator[tuple[str, str]]:
    """A folder for Spark to write: on this machine under a temporary name, and given its own at the end.

    Where the store is a remote one, Spark writes to the target itself, and its `_SUCCESS` is what marks it as whole.

    Args:
        target: path of the folder.
        overwrite: replace one that Spark has written.

    Yields:
        The path to write to, and Spark's mode of writing.

    Raises:
        ConfigError: it is in a remote store and to be overwritten, where nothing tells an export from other files.
        TableError: it exists and is not to be overwritten, or is no such folder; or this machine refuses.
    """
    place = _local(target)
    if place is None:
        yield from _in_store(target, overwrite=overwrite)
        return
    _refuse_existing(place, overwrite=overwrite)
    if place.exists() and not (place / _WHOLE).exists():
        raise TableError(f"{place} is no export that can be replaced (it has no {_WHOLE}): name another target")
    partial = place.with_name(place.name + _PARTIAL)
    yield str(partial), "overwrite"
    try:
        if place.exists():
            shutil.rmtree(place)
        partial.rename(place)
    except OSError as error:
        raise TableError(
            f"the export is whole in {partial}, but cannot be moved to {place}: {error.strerror}"
        ) from None


@contextmanager
def new_file(target: str, *, overwrite: bool) -> Iterator[Path]:
    """A file to write on this machine, under a temporary name until it is whole.

    Args:
        target: path of the file.
        overwrite: replace one that exists.

    Yields:
        The path to write to.

    Raises:
        ConfigError: the target is in a remote store.
        TableError: it exists and is not to be overwritten, or is no file; or it cannot be written.
    """
    place = _local(target)
    if place is None:
        raise ConfigError(
            f"the target {target} is in a store, but this format is one file: write it here, then copy it"
        )
    _refuse_existing(place, overwrite=overwrite)
    if place.exists() and not place.is_file():
        raise TableError(f"{place} is no file: name another target")
    partial = place.with_name(place.name + _PARTIAL)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(place)
    except OSError as error:
        raise TableError(f"cannot write the export {place}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _in_store(target: str, *, overwrite: bool) -> Iterator[tuple[str, str]]:
    if overwrite:
        raise ConfigError(f"the target {target} is in a store, where nothing is replaced: delete it, or name another")
    try:
        yield target, "errorifexists"
    except AnalysisException as error:
        if error.getCondition() != "PATH_ALREADY_EXISTS":
            raise
        raise TableError(f"{target} exists: name another target, or delete it") from None


def _local(target: str) -> Path | None:
    """The path on this machine; None if it is in a store."""
    bare = target.removeprefix("file://").removeprefix(_LOCAL)
    return None if HAS_SCHEME.match(bare) else Path(absolute(bare))


def _refuse_existing(place: Path, *, overwrite: bool) -> None:
    if place.exists() and not overwrite:
        raise TableError(f"{place} exists: name another target, or overwrite it")
