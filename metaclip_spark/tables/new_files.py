"""Where an export goes: nothing is replaced unasked, and what stands at its name is whole."""

from __future__ import annotations

import re
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from metaclip_spark.errors import ConfigError, ConsistencyError, TableError
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import exists_here, is_inside, local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_WHOLE: Final = "_SUCCESS"  # Spark writes it last into a folder of its own
_PATTERN: Final = re.compile(r"([\\*?\[\]{},])")  # Spark reads a path as a pattern, but writes to it as it is


def refuse_sources(target: str, sources: Iterable[str]) -> None:
    """Refuse a target in, or around, what is read.

    Raises:
        ConfigError: it is.
    """
    for source in sources:
        inner, outer = _resolved(target), _resolved(source)
        if is_inside(inner, outer) or is_inside(outer, inner):
            raise ConfigError(f"the target {target} overlaps with {source}, which is read: name a place outside of it")


@contextmanager
def new_folder(target: str, *, overwrite: bool) -> Iterator[str]:
    """A folder for Spark to write: on this machine under a temporary name, and given its own at the end.

    Where the store is a remote one, Spark writes to the target itself, and its `_SUCCESS` is what marks it as whole.

    Args:
        target: location of the folder, as `located` gives it.
        overwrite: replace one that Spark has written.

    Yields:
        The location to write to, where nothing is.

    Raises:
        ConfigError: it is in a remote store and to be overwritten, where nothing tells an export from other files.
        TableError: it exists and is not to be overwritten, or is no such folder; or this machine refuses.
    """
    place = local_path(target)
    if place is None:
        yield from _in_store(target, overwrite=overwrite)
        return
    _refuse_existing(place, overwrite=overwrite)
    if place.exists() and not (place / _WHOLE).exists():
        raise TableError(f"{place} is no export that can be replaced (it has no {_WHOLE}): name another target")
    partial = _beside(place, "partial")
    try:
        yield f"file://{partial}"
        _refuse_existing(place, overwrite=overwrite)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    try:
        _put_in_place(partial, place)
    except OSError as error:
        raise TableError(
            f"the export is whole in {partial}, but cannot be moved to {place}: {error.strerror}"
        ) from None


def check_rows(spark: SparkSession, path: str, rows: int, *, form: str, schema: StructType) -> None:
    """Refuse a folder of which not all rows can be read back.

    Executors on other machines write a path of this machine to disks of their own: Spark then marks a folder as whole
    which holds nothing here.

    Args:
        spark: the session that wrote it.
        path: of the folder.
        rows: that were written.
        form: "parquet", whose footers tell, or "json", which is read.
        schema: of the rows.

    Raises:
        ConsistencyError: rows are missing.
    """
    reader = spark.read.schema(schema) if form == "parquet" else spark.read
    try:
        found = reader.format("parquet" if form == "parquet" else "text").load(_PATTERN.sub(r"\\\1", path)).count()
        if found == rows:
            return
        seen = f"{found} can be read"
    except (PySparkException, Py4JJavaError) as error:
        seen = f"they cannot be read: {failure_reason(error)}"
    raise ConsistencyError(
        f"{rows} rows were exported to {path}, but {seen}. Executors that share no disk with this machine write such a "
        "path to disks of their own: name a target in a store that all of them reach (hdfs://, s3a://, dbfs:/, or a "
        "folder that all of them mount)"
    )


@contextmanager
def new_file(target: str, *, overwrite: bool) -> Iterator[Path]:
    """A file to write on this machine, under a temporary name until it is whole.

    Args:
        target: location of the file, as `located` gives it.
        overwrite: replace one that exists.

    Yields:
        The path to write to.

    Raises:
        ConfigError: the target is in a remote store.
        TableError: it exists and is not to be overwritten, or is no file; or it cannot be written.
    """
    place = local_path(target)
    if place is None:
        raise ConfigError(
            f"the target {target} is in a store, but this format is one file: write it on this machine "
            "(file:///folder/name), then copy it"
        )
    _refuse_existing(place, overwrite=overwrite)
    if place.exists() and not place.is_file():
        raise TableError(f"{place} is no file: name another target")
    partial = _beside(place, "partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _refuse_existing(place, overwrite=overwrite)
        partial.replace(place)
    except OSError as error:
        raise TableError(f"cannot write the export {place}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _in_store(target: str, *, overwrite: bool) -> Iterator[str]:
    if overwrite:
        raise ConfigError(f"the target {target} is in a store, where nothing is replaced: delete it, or name another")
    try:
        yield target
    except AnalysisException as error:
        if error.getCondition() != "PATH_ALREADY_EXISTS":
            raise
        raise TableError(f"{target} exists: name another target, or delete it") from None


def _resolved(location: str) -> str:
    """Without `..` and links, where that can be known."""
    place = local_path(location)
    return location if place is None else str(place.resolve())


def _beside(place: Path, what: str) -> Path:
    """A name next to a place that nobody else has: what stands at any other may be somebody's."""
    return place.with_name(f"{place.name}.{uuid.uuid4().hex[:12]}.{what}")


def _put_in_place(partial: Path, place: Path) -> None:
    """Move a whole folder to its name; the one that is there goes when the new one has come."""
    old = _beside(place, "replaced")
    if place.exists():
        place.rename(old)
    try:
        partial.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refuse_existing(place: Path, *, overwrite: bool) -> None:
    if exists_here(place) and not overwrite:
        raise TableError(f"{place} exists: name another target, or overwrite it")
