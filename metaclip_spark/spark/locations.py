"""Locations of files: paths of this machine and URIs of stores, as Spark resolves them."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import HAS_SCHEME, LOCAL_SCHEME, absolute, exists_here
from metaclip_spark.spark.file_listing import hadoop_settings
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import SparkSession


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar name, ignoring case; None if none is similar.

    >>> nearest("TEXTS", ["url", "text"])
    'text'
    """
    by_folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def absent_part(path: str) -> str:
    """Return which part of a path is missing on this machine, with a similar name if there is one; empty if none is.

    >>> absent_part("/"), absent_part("/nowhere/pool"), absent_part("s3a://bucket/pool")
    ('', '/ does not contain nowhere', '')
    """
    if HAS_SCHEME.match(path) and not path.startswith("file:"):
        return ""
    place = Path(absolute(path.removeprefix("file://").removeprefix("file:")))
    for part in [*reversed(place.parents), place]:
        try:
            is_there = exists_here(part)
        except ConfigError as error:
            return str(error)
        if not is_there:
            try:
                near = nearest(part.name, (sibling.name for sibling in part.parent.iterdir()))
            except OSError:  # a file in place of a folder, or a folder that cannot be read
                near = None
            return f"{part.parent} does not contain {part.name}" + (f"; did you mean {near}?" if near else "")
    return ""


def same_name(file: str) -> str:
    """Return a file's name in one form: Spark writes both file:///a%20b and file:/a b.

    >>> same_name("file:///a%20b") == same_name("file:/a b"), same_name("s3a://b/c")
    (True, 's3a://b/c')
    """
    return unquote(re.sub("^file:/+", "/", file))


def located(spark: SparkSession, place: str) -> str:
    """Return a location as Spark resolves it: a path without a scheme is in Hadoop's default file system.

    That is this machine's for local sessions, HDFS on many clusters, DBFS on Databricks.

    Returns:
        An absolute path of this machine, or a location with a scheme.

    Raises:
        ConfigError: The path is relative, but the default file system is not that of this machine.
    """
    if HAS_SCHEME.match(place):
        return place
    if not has_spark_context(spark):  # there is no way to ask; the server must see the same path
        return absolute(place)
    hadoop = spark._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no other way to ask
    default = str(hadoop.FileSystem.getDefaultUri(hadoop_settings(spark)).toString())
    if LOCAL_SCHEME.match(default):
        return absolute(place)
    if not Path(place).is_absolute():
        raise ConfigError(
            f"The path {place} is relative, but the session's default file system is {default}. Write it in full: "
            f"file://{absolute(place)} on this machine, or {default.rstrip('/')}/{place} there."
        )
    return default.rstrip("/") + place


def local_path(location: str) -> Path | None:
    """Return the path on this machine; None if the location is in a store.

    >>> local_path("file:///data/a%20b"), local_path("/data"), local_path("s3a://bucket/data")
    (PosixPath('/data/a%20b'), PosixPath('/data'), None)
    """
    found = LOCAL_SCHEME.match(location)
    if found:
        return Path(location[found.end() :])
    return None if HAS_SCHEME.match(location) else Path(absolute(location))
