"""Digest of the rows of a table, which does not depend on files, partitions or order. Only 256 rows are collected."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Columns derived from the files of the pool: the same rows in other files have other values.
OF_THE_RUN = ("run_id", "counts_version")


class ContentDigest(NamedTuple):
    """Two independent digests of the same rows.

    Attributes:
        rows: Number of rows.
        sum: Sum of the rows' xxhash64, in decimals that do not overflow.
        sha256: SHA-256 of the rows' sorted SHA-256, first within 256 blocks, then of the blocks.
    """

    rows: int
    sum: int
    sha256: str


def content_digest(table: DataFrame, *, without: tuple[str, ...] = OF_THE_RUN) -> ContentDigest:
    """Return the digest of all columns but `without`, sorted by name.

    Java writes a double with the fewest digits that give the same bits. Spark cannot hash maps: compare tables that
    have one row by row.
    """
    columns = sorted(name for name in table.columns if name not in without)
    row = F.sha2(F.to_json(F.struct(*columns)), 256)
    hashed = table.select(row.alias("row"), F.xxhash64(*columns).cast("decimal(38,0)").alias("hash"))
    block = F.sha2(F.array_join(F.sort_array(F.collect_list("row")), ""), 256)
    blocks = (
        hashed.groupBy(F.substring("row", 1, 2).alias("block"))
        .agg(F.count("row").alias("rows"), F.sum("hash").alias("sum"), block.alias("digest"))
        .collect()
    )
    lines = sorted(f"{found.block} {found.rows} {found.digest}\n" for found in blocks)
    return ContentDigest(
        rows=sum(found.rows for found in blocks),
        sum=int(sum(found["sum"] for found in blocks)),
        sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
    )
