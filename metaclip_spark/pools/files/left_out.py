"""What lies at a pool's paths without being read: hidden names, and links that lead nowhere."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import InputError
from metaclip_spark.pools.files.partition_folders import GLOB, literal
from metaclip_spark.pools.files.suffixes import SUFFIX, own_suffixes
from metaclip_spark.pools.files.table_logs import LOG_FOLDERS, TableLog
from metaclip_spark.spark.file_listing import any_file
from metaclip_spark.spark.locations import local_path, located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

HIDDEN: Final = "files or folders with hidden names (_ or .)"
DANGLING: Final = "links that lead nowhere"

# Files that writers and file managers leave beside the data.
_MARKERS: Final = re.compile(
    r"_SUCCESS|_(?:started|committed)_.*|_(?:common_)?metadata|\..*\.crc|\.DS_Store|\.git.*|\.hoodie_partition_metadata"
)


@dataclass
class LeftOut:
    """Files that Spark does not read.

    Attributes:
        counts: Number of files by kind.
        examples: A file that may have been meant to be read, by kind.
        log: A table whose log lies below a path.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    log: TableLog | None = None

    def warnings(self) -> list[str]:
        """Return a warning for each kind of which a file may have been meant to be read."""
        return [
            f"{self.counts[kind]} {kind} in the pool's folders are not read, for example {example}. Rename or "
            "restore those that belong to the pool."
            for kind, example in self.examples.items()
        ]


def is_hidden(name: str) -> bool:
    """Return whether Spark leaves a file or folder out because of its name.

    >>> is_hidden("_a.parquet"), is_hidden(".a"), is_hidden("_shard=1"), is_hidden("a._COPYING_")
    (True, True, False, True)
    """
    return (name.startswith("_") and "=" not in name) or name.startswith(".") or name.endswith("._COPYING_")


def check_named_files(spark: SparkSession, paths: tuple[str, ...]) -> None:
    """Raise if Spark would silently leave out what is named.

    Raises:
        InputError: A path is a file with a hidden name, or no regular file.
    """
    is_local = _default_is_local(spark)
    for path in paths:
        if GLOB.search(path):
            continue
        place = local_path(literal(path)) if is_local or path.startswith("file:") else None
        if place is not None:
            kind = _mode(place)
            if kind is None and place.is_symlink():
                raise InputError(f"{path} is a link to {place.readlink()}, which does not exist. Restore it.")
            if kind is not None and not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
                raise InputError(f"{path} is neither a file nor a folder. Write its rows to a file and name that file.")
            hidden = is_hidden(place.name) and kind is not None and stat.S_ISREG(kind)
        else:
            hidden = is_hidden(path.rstrip("/").rpartition("/")[2]) and any_file(spark, path) is None
        if hidden:
            raise InputError(
                f"{path} would not be read: Spark leaves out files whose names begin with _ or . or end with "
                "._COPYING_. Rename the file."
            )


def left_out(spark: SparkSession, paths: tuple[str, ...], form: str) -> LeftOut:
    """Return what lies in the folders of this machine without being read; stores have neither links nor pipes.

    The walk takes about a second per million files and opens none.

    Raises:
        InputError: There is a pipe, a socket or a device.
    """
    found = LeftOut()
    is_local = _default_is_local(spark)
    for path in paths:
        if is_local or path.startswith("file:"):
            place, pattern = _folder(path)
            if place is not None and place.is_dir():
                for entry in _entries(str(place), pattern):
                    _count(entry, form, found)
    return found


def _default_is_local(spark: SparkSession) -> bool:
    return located(spark, "/") == "/"


def _mode(place: Path) -> int | None:
    try:
        return place.stat().st_mode
    except OSError:  # absent, or not accessible: the error of the listing says so
        return None


def _folder(path: str) -> tuple[Path | None, re.Pattern[str] | None]:
    """Return the folder to be walked; for a glob of names in one folder that folder, and the names."""
    folder, _, name = path.rstrip("/").rpartition("/")
    if not GLOB.search(path):
        return local_path(literal(path)), None
    if GLOB.search(folder) or re.search(r"[\[{]", name):
        return None, None
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in literal(name))
    return local_path(literal(folder)), re.compile("".join(parts))


def _entries(folder: str, pattern: re.Pattern[str] | None) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder but what is in hidden folders; with a pattern, only what it names."""
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if pattern is not None and not pattern.fullmatch(entry.name):
                        continue
                    yield entry
                    if entry.is_dir() and not is_hidden(entry.name) and not _leads_back(entry):
                        folders.append(entry.path)
        except OSError:  # the listing of Spark says what cannot be read
            continue
        pattern = None


def _leads_back(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and Path(entry.path).is_relative_to(os.path.realpath(entry.path))


def _count(entry: os.DirEntry[str], form: str, found: LeftOut) -> None:
    if is_hidden(entry.name):
        if entry.name in LOG_FOLDERS and found.log is None and entry.is_dir():
            found.log = TableLog(LOG_FOLDERS[entry.name], entry.path.rpartition("/")[0])
        if _MARKERS.fullmatch(entry.name) or entry.name in LOG_FOLDERS:
            return
        found.counts[HIDDEN] += 1
        suffix = re.search(SUFFIX, entry.name)
        if suffix and suffix.group(1).lower() in own_suffixes(form):
            found.examples.setdefault(HIDDEN, entry.path)
        return
    if entry.is_file() or entry.is_dir():
        if found.log is None and entry.path.endswith(".metadata.json") and Path(entry.path).parent.name == "metadata":
            found.log = TableLog("Iceberg", str(Path(entry.path).parent.parent))
        return
    if not entry.is_symlink():  # Spark would wait for what a pipe never sends
        raise InputError(
            f"{entry.path} is a pipe, a socket or a device. Remove it, or name the files of the pool in --pool."
        )
    found.counts[DANGLING] += 1
    found.examples.setdefault(DANGLING, entry.path)
