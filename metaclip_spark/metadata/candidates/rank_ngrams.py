"""Most frequent words, and most strongly associated pairs of neighbours; only the best rows leave Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.words import MAX_ENTRY_CHARACTERS
from metaclip_spark.metadata.count_rows import PAIR, WORD

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def frequent_words(rows: DataFrame, *, min_count: int, limit: int | None) -> DataFrame:
    """Return words by occurrences, descending, then by UTF-8 bytes.

    Args:
        rows: `kind`, `text`, `count`.
        min_count: Occurrences that a word needs.
        limit: Maximum number of words; None: no limit.

    Returns:
        `text`, `count`, in order.
    """
    words = rows.where((F.col("kind") == WORD) & (F.col("count") >= min_count)).select("text", "count")
    ordered = words.orderBy(F.desc("count"), F.asc("text"))
    return ordered if limit is None else ordered.limit(limit)


def collocations(
    rows: DataFrame, *, min_word_count: int, min_count: int, min_ratio: float, limit: int | None, is_joined: bool
) -> DataFrame:
    """Return pairs by pointwise mutual information, descending, then by UTF-8 bytes.

    The order is that of c(xy) / (c(x) c(y)), of which the information is the logarithm: this takes two roundings of
    IEEE arithmetic, which are the same on every machine.

    Args:
        rows: `kind`, `text`, `count`.
        min_word_count: Occurrences that both words need.
        min_count: Occurrences that the pair needs.
        min_ratio: Minimum of c(xy) / (c(x) c(y)).
        limit: Maximum number of pairs; None: no limit.
        is_joined: Whether to join the words without a space; of pairs that then are equal, the best one counts.

    Returns:
        `text`, `pair`, `first`, `second` (counts) and `ratio`, in order.
    """
    words = rows.where((F.col("kind") == WORD) & (F.col("count") >= min_word_count))
    first = words.select(F.col("text").alias("first_word"), F.col("count").alias("first"))
    second = words.select(F.col("text").alias("second_word"), F.col("count").alias("second"))
    parts = F.split("text", " ")
    pairs = rows.where((F.col("kind") == PAIR) & (F.col("count") >= min_count)).select(
        F.col("count").alias("pair"), parts[0].alias("first_word"), parts[1].alias("second_word")
    )
    chance = F.col("first").cast("double") * F.col("second").cast("double")
    scored = pairs.join(first, "first_word").join(second, "second_word").select(
        F.concat_ws("" if is_joined else " ", "first_word", "second_word").alias("text"),
        "pair", "first", "second",
        (F.col("pair").cast("double") / chance).alias("ratio"),
    )  # fmt: skip
    scored = scored.where((F.col("ratio") >= min_ratio) & (F.length("text") <= MAX_ENTRY_CHARACTERS))
    if is_joined:
        best = F.max(F.struct("ratio", "pair", "first", "second")).alias("best")
        scored = scored.groupBy("text").agg(best).select("text", "best.pair", "best.first", "best.second", "best.ratio")
    ordered = scored.orderBy(F.desc("ratio"), F.asc("text"))
    return ordered if limit is None else ordered.limit(limit)
