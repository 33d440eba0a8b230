"""Logs of table formats at the paths of a pool: without its log, a table has rows that were removed from it."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark.core.shell_words import shell_word
from metaclip_spark.errors import InputError
from metaclip_spark.pools.files.partition_folders import GLOB
from metaclip_spark.spark.file_listing import exists
from metaclip_spark.spark.locations import same_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool

DELTA: Final = "Delta"
LOG_FOLDERS: Final = {"_delta_log": DELTA, ".hoodie": "Hudi"}
"""Folders in which a table format keeps its log, by name."""

_LOGS: Final = {DELTA: "_delta_log", "Hudi": ".hoodie", "Iceberg": "metadata/*.metadata.json"}
# Names inside a table: files, partitions (key=value), folders of dates or of random prefixes, and Iceberg's data/.
_INNER: Final = re.compile(r".+\.\w+|[^/=]+=[^/]*|\d+|\w{1,2}|data|_delta_log|_change_data|\.hoodie")
_STORE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://[^/]*)?)?/")
_MAX_FOLDERS: Final = 64  # each is a question to the store


class TableLog(NamedTuple):
    """A table whose files are at or below a path.

    Attributes:
        kind: Table format.
        folder: Folder of the table.
    """

    kind: str
    folder: str


def found_log(spark: SparkSession, paths: Sequence[str]) -> TableLog | None:
    """Return a table whose log is at or above one of the paths."""
    return _found(spark, [*_spread(paths), *_above(paths)])


def found_log_between(spark: SparkSession, paths: Sequence[str], files: Iterable[str]) -> TableLog | None:
    """Return a table whose log is in a folder between one of the paths and some files below it."""
    return _found(spark, _between(paths, files))


def _found(spark: SparkSession, places: Iterable[str]) -> TableLog | None:
    folders = [*islice(dict.fromkeys(places), _MAX_FOLDERS)]
    try:
        if not any(exists(spark, glob) for glob in _globs(folders)):
            return None
    except (PySparkException, Py4JJavaError):  # one of the folders may not be read: each is tried alone
        pass
    for folder in folders:
        for kind, log in _LOGS.items():
            if _exists(spark, f"{folder}/{log}"):
                return TableLog(kind, folder)
    return None


def are_delta_tables(spark: SparkSession, paths: Sequence[str]) -> bool:
    """Return whether each path is the folder of a Delta table."""
    return all(not GLOB.search(path) and _exists(spark, f"{path}/{_LOGS[DELTA]}") for path in paths)


def table_error(pool: Pool, log: TableLog) -> InputError:
    """Return the error for a pool of files that are part of a table."""
    if log.kind != DELTA:
        return InputError(
            f"{log.folder} is {_article(log.kind)} table, whose files may contain rows that were removed from it. Read "
            "it as a table of the catalog (--format table), or write its rows to Parquet files."
        )
    if GLOB.search(log.folder):
        return InputError(
            f"The pool {', '.join(pool.paths)} contains files of Delta tables in {log.folder}, which may contain rows "
            "that were removed from them. Name the folder of each table, without * or ?, and pass --format delta."
        )
    remedy = f"Pass --pool {shell_word(log.folder)} --format delta"
    if pool.paths == (log.folder,):
        return InputError(f"{log.folder} is a Delta table, not {pool.format}. {remedy}.")
    return InputError(
        f"The pool {', '.join(pool.paths)} contains files of the Delta table {log.folder}, which may contain rows that "
        f"were removed from it. {remedy}, with the folders of other tables, if any."
    )


def _exists(spark: SparkSession, pattern: str) -> bool:
    try:
        return exists(spark, pattern)
    except (PySparkException, Py4JJavaError):
        return False


def _spread(paths: Sequence[str]) -> Sequence[str]:
    """Return paths across a list, since 10,000 files may be named one by one."""
    step = -(-len(paths) // (_MAX_FOLDERS // 2))
    return paths[:: max(step, 1)]


def _above(paths: Sequence[str]) -> Iterator[str]:
    """Yield the folders above paths, as long as the path may be a part of a table there."""
    for path in paths:
        above, _, name = path.rstrip("/").rpartition("/")
        while above and not above.endswith(":/") and (_INNER.fullmatch(name) or GLOB.search(name)):
            yield above
            above, _, name = above.rpartition("/")


def _between(paths: Sequence[str], examples: Iterable[str]) -> Iterator[str]:
    """Yield the folders of example files, from the innermost up to a path of the pool."""
    tops = {same_name(path).rstrip("/") for path in paths}
    for example in examples:
        folder = same_name(example).rpartition("/")[0]
        while folder and folder not in tops and _INNER.fullmatch(folder.rpartition("/")[2]):
            yield folder
            folder = folder.rpartition("/")[0]


def _globs(folders: Sequence[str]) -> list[str]:
    """Return a glob of all logs in the folders for each store, which is asked once."""
    patterns: dict[str, list[str]] = {}
    for folder in folders:
        store = _STORE.match(folder)
        start = store.end() if store else 0
        names = [f"{folder[start:]}/{log}".replace(",", r"\,") for log in _LOGS.values()]
        patterns.setdefault(folder[:start], []).extend(names)
    return [f"{store}{{{','.join(names)}}}" for store, names in patterns.items()]


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIO" else f"a {kind}"
