"""Digests of what a table holds, whatever its files, partitions and order; nothing that grows with it is collected."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Names of the run: they follow from the pool's files, so the same rows in other files have other ones.
OF_THE_RUN = ("run_id", "counts_version")


class ContentDigest(NamedTuple):
    """Two independent digests of the same rows.

    Attributes:
        rows: their number.
        sum: of the rows' xxhash64, wraps at no size that fits a table.
        sha256: over the rows' own SHA-256, sorted: first within 256 blocks, then over the blocks.
    """

    rows: int
    sum: int
    sha256: str


def content_digest(table: DataFrame, *, without: tuple[str, ...] = OF_THE_RUN) -> ContentDigest:
    """Digest of all columns but some, in the order of their names.

    Doubles are written as Java does, in the fewest digits that give the same bits back. Maps are not hashable by Spark:
    tables that hold one are compared row by row.
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
