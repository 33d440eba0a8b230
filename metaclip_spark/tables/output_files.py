"""Files and folders outside of the tables: replaced only on request, and under their final names only when complete."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException

from metaclip_spark.errors import ConfigError, ConsistencyError, TableError
from metaclip_spark.host.places import exists_here, is_inside
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.locations import local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_COMPLETE: Final = "_SUCCESS"  # Spark writes this file last into a folder
_ANOTHER: Final = "Name another output."
_PATTERN: Final = re.compile(
    r"([\\*?\[\]{},])"
)  # Spark takes a path as a pattern when it reads, but not when it writes


def check_apart(target: str, sources: Iterable[str]) -> None:
    """Raise if a target lies in a source that is read, or contains one.

    Raises:
        ConfigError: They overlap.
    """
    for source in sources:
        if is_inside(target, source) or is_inside(source, target):
            raise ConfigError(f"The output {target} overlaps with {source}, which is read. Name a place outside of it.")


def check_writable(folder: Path, *, remedy: str) -> None:
    """Raise if no file can be made in a folder of this machine, or the folder cannot be made.

    An empty folder is made and removed at once: permissions alone do not tell for every user and file system.

    Args:
        folder: Folder, which need not exist.
        remedy: Sentence that ends the error message.

    Raises:
        TableError: Nothing can be written there.
        ConfigError: The path cannot be accessed.
    """
    place = folder
    while not exists_here(place) and not place.is_symlink():
        place = place.parent
    try:
        Path(tempfile.mkdtemp(prefix=".metaclip-spark-", dir=place)).rmdir()
        problem = "" if shutil.disk_usage(place).free else "No space left on device"
    except OSError as error:
        problem = str(error.strerror)
    if problem:
        raise TableError(f"{folder} cannot be written: {problem} ({place}). {remedy}")


def check_file_writable(file: Path) -> None:
    """Raise if a file of this machine cannot be written; links are followed, and devices are left to the writer.

    Raises:
        TableError: It is a folder, or its folder does not exist or cannot be written.
        ConfigError: The path cannot be accessed.
    """
    place = Path(os.path.realpath(file))  # unlike Path.resolve, takes a loop of links
    if exists_here(place) and place.is_dir():
        raise TableError(f"{file} is a folder. {_ANOTHER}")
    if not exists_here(place.parent):
        raise TableError(f"{file} cannot be written: {place.parent} does not exist. Make this folder first.")
    if place.is_file() or not exists_here(place):
        check_writable(place.parent, remedy=_ANOTHER)


@contextmanager
def new_folder(target: str, *, overwrite: bool) -> Iterator[str]:
    """Provide a folder for Spark to write: on this machine under a temporary name, renamed at the end.

    In a remote store Spark writes to the target itself, and its `_SUCCESS` file marks the folder as complete.

    Args:
        target: Location of the folder, as returned by `located`.
        overwrite: Whether a folder that Spark has written is replaced.

    Yields:
        The location to write to, which does not exist yet.

    Raises:
        ConfigError: An overwrite is requested in a remote store, where exports cannot be distinguished from other
            files.
        TableError: The target exists and is not to be overwritten, is not such a folder, or cannot be written.
    """
    place = local_path(target)
    if place is None:
        yield from _in_store(target, overwrite=overwrite)
        return
    _check_absent(place, overwrite=overwrite)
    if place.exists() and not (place / _COMPLETE).exists():
        raise TableError(
            f"{place} cannot be replaced, as it is not a complete export (it has no {_COMPLETE}). Name another output."
        )
    check_writable(place.parent, remedy=_ANOTHER)
    partial = _beside(place, "partial")
    try:
        yield f"file://{partial}"
        _check_absent(place, overwrite=overwrite)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    try:
        _rename(partial, place)
    except OSError as error:
        raise TableError(
            f"The export is complete in {partial}, but cannot be moved to {place}: {error.strerror}."
        ) from None


def check_rows_readable(spark: SparkSession, path: str, rows: int, *, form: str, schema: StructType) -> None:
    """Raise if not all rows of a folder can be read back.

    Executors on other machines write a path of this machine to disks of their own. Spark then marks a folder as
    complete that contains nothing here.

    Args:
        spark: Session that wrote the folder.
        path: Path of the folder.
        rows: Number of rows written.
        form: "parquet", whose footers give the number of rows, or "json", which is read.
        schema: Schema of the rows.

    Raises:
        ConsistencyError: Rows are missing.
    """
    reader = spark.read.schema(schema) if form == "parquet" else spark.read
    try:
        found = reader.format("parquet" if form == "parquet" else "text").load(_PATTERN.sub(r"\\\1", path)).count()
        if found == rows:
            return
        seen = f"{found} can be read back"
    except (PySparkException, Py4JJavaError) as error:
        seen = f"they cannot be read back: {failure_reason(error)}"
    raise ConsistencyError(
        f"{rows} rows were exported to {path}, but {seen}. Executors that share no disk with this machine write such a "
        "path to disks of their own. Name an output in a store that all of them reach (hdfs://, s3a://, dbfs:/, or a "
        "folder that all of them mount)."
    )


@contextmanager
def new_file(target: str, *, overwrite: bool) -> Iterator[Path]:
    """Provide a file to write on this machine, under a temporary name until it is complete.

    Args:
        target: Location of the file, as returned by `located`.
        overwrite: Whether an existing file is replaced.

    Yields:
        The path to write to.

    Raises:
        ConfigError: The target is in a remote store.
        TableError: The target exists and is not to be overwritten, is not a file, or cannot be written.
    """
    place = local_path(target)
    if place is None:
        raise ConfigError(
            f"The output {target} is in a store, but this format is one file. Write it on this machine "
            "(file:///folder/name), then copy it."
        )
    _check_absent(place, overwrite=overwrite)
    if place.exists() and not place.is_file():
        raise TableError(f"{place} is not a file. Name another output.")
    check_writable(place.parent, remedy=_ANOTHER)
    partial = _beside(place, "partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _check_absent(place, overwrite=overwrite)
        partial.replace(place)
    except OSError as error:
        raise TableError(f"Cannot write {place}: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)


def _in_store(target: str, *, overwrite: bool) -> Iterator[str]:
    if overwrite:
        raise ConfigError(
            f"The output {target} is in a store, where no export replaces another. Delete it, or name another output."
        )
    try:
        yield target
    except AnalysisException as error:
        if error.getCondition() != "PATH_ALREADY_EXISTS":
            raise
        raise TableError(f"{target} exists. Name another output, or delete it.") from None


def _beside(place: Path, suffix: str) -> Path:
    """Return a unique name beside a place, since a fixed name could be a file of the user's."""
    return place.with_name(f"{place.name}.{uuid.uuid4().hex[:12]}.{suffix}")


def _rename(partial: Path, place: Path) -> None:
    """Rename a complete folder to its final name; the folder that it replaces is removed afterwards."""
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


def _check_absent(place: Path, *, overwrite: bool) -> None:
    if exists_here(place) and not overwrite:
        raise TableError(f"{place} exists. Name another output, or overwrite it (--overwrite).")
