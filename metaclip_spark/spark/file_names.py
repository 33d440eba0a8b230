"""Names of files that the Java of a session can open: in the locale C only ASCII, and Spark skips others silently."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.locations import local_path
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession


def check_file_names(spark: SparkSession, *places: str, below: bool = False) -> None:
    """Raise if the session's Java cannot open a place, or a file below it.

    The sessions that this package starts can open all. In others the files are listed only if Java's encoding is not
    UTF-8.

    Args:
        spark: Any session.
        places: Locations; those in stores are left to the store.
        below: Whether the files of folders are checked, too.

    Raises:
        EnvironmentProblemError: A name cannot be encoded.
    """
    if not has_spark_context(spark) or (not below and all(map(str.isascii, places))):
        return
    encoding = str(spark._jvm.java.lang.System.getProperty("sun.jnu.encoding"))  # type: ignore[union-attr]  # noqa: SLF001 - pyspark has no other way to ask
    if encoding.upper() in {"UTF-8", "UTF8"}:
        return
    paths = [path for path in map(local_path, places) if path is not None]
    for name in _names(paths, below=below):
        try:
            name.encode(encoding, errors="surrogateescape")
        except LookupError:  # an encoding of Java that Python does not know
            return
        except UnicodeEncodeError:
            raise EnvironmentProblemError(
                f"The Java of this session cannot open {name}, because it encodes file names as {encoding}. Start the "
                "session with LC_ALL=C.UTF-8 in its environment (on executors: spark.executorEnv.LC_ALL=C.UTF-8)."
            ) from None


def _names(paths: Iterable[Path], *, below: bool) -> Iterator[str]:
    for path in paths:
        yield str(path)
        if below:
            for folder, folders, files in os.walk(path):
                yield from (f"{folder}/{name}" for name in (*folders, *files))
