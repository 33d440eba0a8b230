"""First pass over an open pool: its counts, after checking that its records could be read as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.counting.pool_counts import PoolCounts
from metaclip_spark.curation.count_matches import count_matches
from metaclip_spark.errors import InputError
from metaclip_spark.pools.records import HEADER, LINE, MALFORMED, RECORD, WELL_FORMED
from metaclip_spark.pools.text_formats import files_with_lines
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.spark.shared_metadata import SharedMetadata

_EXAMPLE_CHARACTERS: Final = 80


def count_pool(opened: OpenPool, pool: Pool, shared: SharedMetadata) -> PoolCounts:
    """Return the counts of a pool's captions, and of the records that could not be read as rows.

    Raises:
        InputError: The pool has no rows, none that can be read, or files with different headers.
    """
    return _checked(count_matches(opened.records, shared), opened, pool)


def count_records(opened: OpenPool, pool: Pool) -> PoolCounts:
    """Return `read` and `malformed` as `count_pool` does, without reading any caption; the other figures are 0.

    Raises:
        InputError: As for `count_pool`.
    """
    if opened.malformed is None:
        kinds = {WELL_FORMED: opened.rows.count()}
    else:
        kinds = {row[0]: row[1] for row in opened.records.groupBy(quoted(RECORD)).count().collect()}
    malformed, headers = kinds.get(MALFORMED, 0), kinds.get(HEADER, 0)
    counts = PoolCounts(
        entries={}, null=0, empty=0, language_without_metadata=0, unmatched={}, matched={}, malformed=malformed,
        headers=headers, read=sum(kinds.values()) - headers,
    )  # fmt: skip
    return _checked(counts, opened, pool)


def duplicated_ids(opened: OpenPool) -> dict[str, int]:
    """Return the number of ids that several rows have (`ids`) and of these rows (`rows`); null ids do not count."""
    times = opened.rows.where(F.col("uid").isNotNull()).groupBy("uid").count().where(F.col("count") > 1)
    found = times.agg(F.count("*").alias("ids"), F.coalesce(F.sum("count"), F.lit(0)).alias("rows")).collect()[0]
    return {"ids": found["ids"], "rows": found["rows"]}


def malformed_warning(opened: OpenPool, counts: PoolCounts, pool: Pool) -> str | None:
    """Return a warning about malformed records, with an example; None if there are none."""
    if not counts.malformed:
        return None
    hint = " (fields that contain line ends need --multiline)" if pool.format == "csv" and not pool.multiline else ""
    return (
        f"{counts.malformed} of {counts.read} records cannot be read as {pool.format} and are left out{hint}"
        f"{_malformed_example(opened)}"
    )


def _checked(counts: PoolCounts, opened: OpenPool, pool: Pool) -> PoolCounts:
    counts = _without_headers(counts, opened, pool)
    if counts.read == 0:
        raise InputError(f"The pool {', '.join(pool.paths)} has no rows. Name files that contain rows in --pool.")
    if counts.malformed == counts.read:
        raise InputError(
            f"None of the {counts.read} records of {', '.join(pool.paths)} can be read as {pool.format}"
            f"{_malformed_example(opened)}. Check the format and the schema."
        )
    return counts


def _without_headers(counts: PoolCounts, opened: OpenPool, pool: Pool) -> PoolCounts:
    """Compare the header lines with the files, each of which has one.

    If there are fewer, some files have another header, which was read as a row. Each line beyond one per file is
    malformed. A multiline reader has already compared the headers and left them out.
    """
    if not pool.has_header or pool.multiline:
        return counts
    files = opened.source.files  # Spark lists only files with content
    if counts.headers < files and opened.source.files_read is not None:  # a .gz file of nothing has no header
        files = files_with_lines(opened.rows.sparkSession, opened.source.files_read)
    if counts.headers < files:
        raise InputError(
            f"{files - counts.headers} of the {files} files of {', '.join(pool.paths)} do not begin with the header of "
            "the other files, so their columns would be mixed up. Give all files one header, or none (--no-header)."
        )
    repeated = counts.headers - files
    return replace(counts, read=counts.read + repeated, malformed=counts.malformed + repeated, headers=files)


def _malformed_example(opened: OpenPool) -> str:
    found = opened.malformed.take(1) if opened.malformed is not None else []
    return f"; for example {found[0][LINE][:_EXAMPLE_CHARACTERS]!r}" if found else ""
