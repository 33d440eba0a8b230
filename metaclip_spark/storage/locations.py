"""Where things are: locations that mean the same to Spark wherever it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HAS_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Begins a location in a store (s3a://, hdfs://, dbfs:/); C:/ is none."""

_LOCAL: Final = re.compile(r"file:(?://)?(?=/)", re.IGNORECASE)


def absolute(place: str) -> str:
    """A relative path is one of this machine; a location with a scheme is left as it is.

    >>> absolute("s3a://bucket/pool"), absolute("/pool")
    ('s3a://bucket/pool', '/pool')
    """
    return place if HAS_SCHEME.match(place) else str(Path(place).absolute())


def is_inside(place: str, folder: str) -> bool:
    """Whether a location is a folder or lies below it.

    >>> is_inside("/data/pool/out", "file:///data/pool"), is_inside("/data/pool2", "/data/pool")
    (True, False)
    """
    inner, outer = (
        absolute(path).removeprefix("file://").removeprefix("file:").rstrip("/") for path in (place, folder)
    )
    return f"{inner}/".startswith(f"{outer}/")


def located(spark: SparkSession, place: str) -> str:
    """A location as Spark resolves it: without a scheme it is of Hadoop's default file system.

    That is this machine's for local sessions, HDFS on many clusters, DBFS on Databricks.

    Returns:
        An absolute path of this machine, or a location with a scheme.

    Raises:
        ConfigError: the path is relative, but the default file system is not of this machine.
    """
    if HAS_SCHEME.match(place):
        return place
    hadoop = spark._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no other way to ask
    settings = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001 - those that Spark writes with
    default = str(hadoop.FileSystem.getDefaultUri(settings).toString())
    if _LOCAL.match(default):
        return absolute(place)
    if not Path(place).is_absolute():
        raise ConfigError(
            f"the path {place} is relative, but the session's default file system is {default}: name it whole, as "
            f"file://{absolute(place)} on this machine or {default.rstrip('/')}/{place} there"
        )
    return default.rstrip("/") + place


def local_path(location: str) -> Path | None:
    """The path on this machine; None if it is in a store.

    >>> local_path("file:///data/a%20b"), local_path("/data"), local_path("s3a://bucket/data")
    (PosixPath('/data/a%20b'), PosixPath('/data'), None)
    """
    found = _LOCAL.match(location)
    if found:
        return Path(location[found.end() :])
    return None if HAS_SCHEME.match(location) else Path(absolute(location))
