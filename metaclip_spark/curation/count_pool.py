"""The first pass over an opened pool: its counts, once they are known to be of rows and not of something else."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.counting.pool_counts import PoolCounts
from metaclip_spark.curation.count_matches import count_matches
from metaclip_spark.errors import InputError, MetaclipSparkWarning
from metaclip_spark.pools.records import HEADER, LINE, MALFORMED, RECORD, WELL_FORMED
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.pools.open_pool import OpenPool
    from metaclip_spark.spark.shared_metadata import SharedMetadata

_SHOWN: Final = 80  # characters of a malformed record


def count_pool(opened: OpenPool, pool: Pool, shared: SharedMetadata) -> PoolCounts:
    """Counts of a pool's captions, and of its records that are no rows.

    Raises:
        InputError: there are no rows, none that can be read, or files with other headers.
    """
    return _of_rows(count_matches(opened.records, shared), opened, pool)


def count_records(opened: OpenPool, pool: Pool) -> PoolCounts:
    """`read` and `malformed` as `count_pool` has them, without a look at any caption; the other figures are 0.

    Raises:
        InputError: as `count_pool`.
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
    return _of_rows(counts, opened, pool)


def _of_rows(counted: PoolCounts, opened: OpenPool, pool: Pool) -> PoolCounts:
    """Counts of which some are of rows."""
    counts = _without_headers(counted, opened, pool)
    if counts.read == 0:
        raise InputError(f"the pool {', '.join(pool.paths)} has no rows: name files that hold some in --pool")
    if counts.malformed == counts.read:
        raise InputError(
            f"none of the {counts.read} records of {', '.join(pool.paths)} can be read as {pool.format}: is it another "
            f"format, or has it another schema?{malformed_example(opened)}"
        )
    return counts


def duplicated_ids(opened: OpenPool) -> dict[str, int]:
    """How many ids several rows have (`ids`), and how many rows they are (`rows`); rows without id do not count."""
    times = opened.rows.where(F.col("uid").isNotNull()).groupBy("uid").count().where(F.col("count") > 1)
    found = times.agg(F.count("*").alias("ids"), F.coalesce(F.sum("count"), F.lit(0)).alias("rows")).collect()[0]
    return {"ids": found["ids"], "rows": found["rows"]}


def warn_of_malformed(opened: OpenPool, counts: PoolCounts, pool: Pool) -> list[str]:
    """Warn of malformed records, and say so in the report."""
    if not counts.malformed:
        return []
    hint = " (fields that hold line ends need --multiline)" if pool.format == "csv" and not pool.multiline else ""
    warning = (
        f"{counts.malformed} of {counts.read} records cannot be read as {pool.format} and are left out{hint}"
        f"{malformed_example(opened)}"
    )
    warnings.warn(warning, MetaclipSparkWarning, stacklevel=3)
    return [warning]


def malformed_example(opened: OpenPool) -> str:
    """One of the malformed records, for a message."""
    found = opened.malformed.take(1) if opened.malformed is not None else []
    return f"; for example {found[0][LINE][:_SHOWN]!r}" if found else ""


def _without_headers(counts: PoolCounts, opened: OpenPool, pool: Pool) -> PoolCounts:
    """Each file has one header: fewer are other headers, read as rows; more are records that are none.

    A reader that knows of headers has left them out and compared them itself.
    """
    if not pool.has_header or pool.multiline:
        return counts
    files = opened.source.files  # with content: Spark lists no others
    if counts.headers < files:
        raise InputError(
            f"{files - counts.headers} of the {files} files of {', '.join(pool.paths)} do not begin with the header "
            "of the others, so that their columns would be mixed up: give all files one header, or none (--no-header)"
        )
    repeated = counts.headers - files
    return replace(counts, read=counts.read + repeated, malformed=counts.malformed + repeated, headers=files)
