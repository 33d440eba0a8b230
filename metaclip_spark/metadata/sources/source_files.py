"""Files of a source: open them as text, and describe them for the manifest by name and size, without their location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.host.places import absolute
from metaclip_spark.spark.failures.failure_kinds import kind_of
from metaclip_spark.spark.file_listing import listed_files
from metaclip_spark.spark.file_names import check_file_names
from metaclip_spark.spark.job_errors import failure_reason
from metaclip_spark.spark.session_features import analysed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

MAX_MALFORMED: Final = 0.5
"""Share of malformed lines above which a file is refused as something else: genuine files have one in a million."""
_MAX_NAMED: Final = 100


def open_text(
    spark: SparkSession, paths: Sequence[str], *, what: str, expected: str, separator: str | None = None
) -> DataFrame:
    """Open text files, packed or not, with all files of the given folders.

    Args:
        spark: A session.
        paths: Files or folders.
        what: Name of the source, for error messages.
        expected: Names of the files expected, for error messages.
        separator: String that separates two records; None: the end of a line.

    Returns:
        `value` (a record) and `file` (its location). Spark does not check that `value` is UTF-8: cast it to binary
        before it crosses to Python, where one invalid byte would stop the task.

    Raises:
        InputError: The files cannot be read, or there are none.
    """
    places = [absolute(path) for path in paths]
    check_file_names(spark, *places, below=True)
    try:
        rows = analysed(spark.read.text(places, lineSep=separator, recursiveFileLookup=True))
    except (PySparkException, Py4JJavaError) as error:  # Py4JJavaError if Spark has no driver for the store
        kind, remedy = kind_of(str(error)) or (None, f"Pass {expected}.")
        raise (kind or InputError)(
            f"Cannot read the {what} {', '.join(paths)}: {failure_reason(error)}. {remedy}"
        ) from error
    if not rows.inputFiles():
        raise InputError(f"The {what} {', '.join(paths)} has no files. Pass {expected}.")
    return rows.select("value", F.col("_metadata.file_path").alias("file"))


def file_names_and_sizes(spark: SparkSession, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return name and bytes of each file, by name."""
    if not paths:
        return []
    rows = listed_files(spark, *map(absolute, paths)).select("path", "length").collect()
    return sorted(
        ({"file": str(row.path).rpartition("/")[2], "bytes": int(row.length)} for row in rows),
        key=lambda one: str(one["file"]),
    )


def summarise_files(files: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Return the number and the total bytes of files, and their names if there are at most 100.

    >>> summarise_files([{"file": "a.gz", "bytes": 3}, {"file": "b.gz", "bytes": 4}])
    {'files': 2, 'bytes': 7, 'names': ['a.gz', 'b.gz']}
    """
    summary: dict[str, object] = {"files": len(files), "bytes": sum(one["bytes"] for one in files)}
    return summary | ({"names": [one["file"] for one in files]} if len(files) <= _MAX_NAMED else {})
