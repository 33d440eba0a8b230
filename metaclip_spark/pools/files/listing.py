"""Sums over the files of a pool, those of its format and others, by Spark because a pool may have millions."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.pools.files.partition_folders import GLOB, literal
from metaclip_spark.pools.files.suffixes import SUFFIX, other_suffixes, own_suffixes
from metaclip_spark.spark.file_listing import listed_files
from metaclip_spark.spark.session_features import input_files, parallelism
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, Row, SparkSession

READ: Final = ""
"""Kind of the files that are read: their suffix is one of the format's, or is not known."""

_UNSPLITTABLE: Final = r"(?i)\.(gz|zst|snappy|lz4|deflate)$"
# A listing opens no file, so each task lists as many as possible, whatever their sizes.
_FEW_TASKS: Final = {
    "spark.sql.files.maxPartitionBytes": str(2**60),
    "spark.sql.files.openCostInBytes": "4096",
}
_DIGEST_PARTS: Final = 4
_PARTITION: Final = r"/([^/=]+)=[^/]*(?=/)"
_SCHEME: Final = r"^[A-Za-z][A-Za-z0-9+.-]*:(?://[^/]*)?"
_MAX_NAMED: Final = 1_000


class Totals(NamedTuple):
    """Sums over files.

    Attributes:
        files: Number of files with content.
        unknown: Number of these whose suffix is not known.
        bytes: Their bytes.
        digest: SHA-256 of their names, lengths and modification times, whatever their order.
        unsplittable: Number of files that one task reads, if they are text.
        largest_unsplittable: Bytes of the largest of these; None if there is none.
        examples: A few of the files: first and last, smallest and largest, those of fewest and of most partitions.
        partitions: Least and greatest number of key=value folders in a path.
    """

    files: int
    unknown: int
    bytes: int
    digest: str
    unsplittable: int
    largest_unsplittable: int | None
    examples: tuple[str, ...]
    partitions: tuple[int, int]


class Listing(NamedTuple):
    """The files at some paths.

    Attributes:
        kinds: Sums by kind: `READ`, or the suffix of another kind.
        empty: Number of files of any kind without content, which are in none of the sums.
    """

    kinds: dict[str, Totals]
    empty: int


def listing_settings(spark: SparkSession) -> dict[str, str]:
    """Return settings for listings: Spark's default is a task per folder or file that a path or a glob names."""
    return {"spark.sql.sources.parallelPartitionDiscovery.parallelism": str(max(64, 2 * parallelism(spark)))}


def partition_keys(path: str) -> list[str]:
    """Return the keys of the key=value folders in a path.

    >>> partition_keys("file:/pool/language=en/shard=1/x=1.parquet")
    ['language', 'shard']
    """
    return re.findall(_PARTITION, path)


def summed_listing(spark: SparkSession, paths: Sequence[str], form: str | None = None) -> Listing:
    """Return sums over the files at or below the paths.

    Args:
        spark: Session that lists the files.
        paths: Files, folders and globs. A file that is named is read, whatever its suffix.
        form: Format by whose suffixes kinds are distinguished; None: all files are read.
    """
    name = F.sha2(
        F.concat_ws("\t", "path", F.col("length").cast("string"), F.unix_micros("modificationTime").cast("string")), 256
    )
    # Unsigned parts of 64 bits: their sums do not overflow for any number of files, nor depend on the files' order.
    parts = [
        F.conv(F.substring(name, 1 + 16 * part, 16), 16, 10).cast("decimal(20,0)") for part in range(_DIGEST_PARTS)
    ]
    unsplittable = F.col("path").rlike(_UNSPLITTABLE)
    folders = F.size(F.regexp_extract_all("path", F.lit(_PARTITION)))
    examples = [F.min("path"), F.max("path"), F.min_by("path", "length"), F.max_by("path", "length")]
    kind, unknown = _kind_and_unknown(paths, form)
    with changed_settings(spark, _FEW_TASKS | listing_settings(spark)):
        # No file is opened without the content column.
        files = listed_files(spark, *paths).select("path", "length", "modificationTime")
        rows = (
            files.groupBy(kind.alias("kind"))
            .agg(
                F.count("*").alias("files"),
                F.count_if(unknown).alias("unknown"),
                F.sum("length").alias("bytes"),
                F.count_if(unsplittable).alias("unsplittable"),
                F.max(F.when(unsplittable, F.col("length"))).alias("largest_unsplittable"),
                F.array(*examples, F.min_by("path", folders), F.max_by("path", folders)).alias("examples"),
                F.array(F.min(folders), F.max(folders)).alias("partitions"),
                F.array(*map(F.sum, parts)).alias("digest"),
            )
            .collect()
        )
    kinds = {row.kind: _totals(row) for row in rows}
    return Listing(kinds, len(input_files(files)) - sum(totals.files for totals in kinds.values()))


def named_files(paths: Sequence[str], form: str) -> list[str]:
    """Return the paths that do not end with a suffix of the format: those that are files are read nevertheless."""
    return [literal(path) for path in paths if not GLOB.search(path) and not _is_own(path, form)]


def _kind_and_unknown(paths: Sequence[str], form: str | None) -> tuple[Column, Column]:
    named = [] if form is None else named_files(paths, form)
    if form is None or len(named) > _MAX_NAMED:
        return F.lit(READ), F.lit(False)  # noqa: FBT003 - the value of a column
    suffix = F.lower(F.regexp_extract("path", SUFFIX, 1))
    is_named = F.regexp_replace("path", _SCHEME, "").isin([re.sub(_SCHEME, "", path) for path in named])
    kind = F.when(suffix.isin(*other_suffixes(form)) & ~is_named, suffix).otherwise(READ)
    return kind, ~suffix.isin(*own_suffixes(form)) & ~is_named


def _is_own(path: str, form: str) -> bool:
    found = re.search(SUFFIX, path)
    return found is not None and found.group(1).lower() in own_suffixes(form)


def _totals(row: Row) -> Totals:
    digest = hashlib.sha256("\t".join(map(str, [row.files, row.bytes, *row.digest])).encode()).hexdigest()
    return Totals(
        files=row.files,
        unknown=row.unknown,
        bytes=row.bytes,
        digest=digest,
        unsplittable=row.unsplittable,
        largest_unsplittable=row.largest_unsplittable,
        examples=tuple(row.examples),
        partitions=tuple(row.partitions),
    )
