"""Files of a source as a manifest names them: names and sizes, not where they lay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.spark.locations import absolute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

_MOST_NAMED: Final = 100


def described_files(spark: SparkSession, places: Sequence[str]) -> dict[str, object]:
    """Number and bytes of files; of a few their names, too."""
    return summed_files(named_files(spark, places))


def summed_files(files: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Number and bytes of files, and of a few their names.

    >>> summed_files([{"file": "a.gz", "bytes": 3}, {"file": "b.gz", "bytes": 4}])
    {'files': 2, 'bytes': 7, 'names': ['a.gz', 'b.gz']}
    """
    summed: dict[str, object] = {"files": len(files), "bytes": sum(one["bytes"] for one in files)}
    return summed | ({"names": [one["file"] for one in files]} if len(files) <= _MOST_NAMED else {})


def named_files(spark: SparkSession, places: Sequence[str]) -> list[dict[str, Any]]:
    """Name and bytes of each file."""
    if not places:
        return []
    listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load([absolute(p) for p in places])
    rows = listing.select("path", "length").collect()
    return sorted(
        ({"file": str(row.path).rpartition("/")[2], "bytes": int(row.length)} for row in rows),
        key=lambda one: str(one["file"]),
    )
