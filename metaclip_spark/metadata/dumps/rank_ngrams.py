"""The most frequent words, and the pairs of neighbours that are most beyond chance: only the winners leave Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.words import MAX_ENTRY_CHARACTERS
from metaclip_spark.metadata.dumps.count_ngrams import PAIR, WORD

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def frequent_words(rows: DataFrame, *, least: int, most: int | None) -> DataFrame:
    """Words by occurrences, descending, then by their bytes.

    Args:
        rows: `kind`, `text`, `count`.
        least: occurrences needed.
        most: words at most; None: all.

    Returns:
        `text`, `count`, in order.
    """
    words = rows.where((F.col("kind") == WORD) & (F.col("count") >= least)).select("text", "count")
    ordered = words.orderBy(F.desc("count"), F.asc("text"))
    return ordered if most is None else ordered.limit(most)


def collocations(
    rows: DataFrame, *, word_least: int, least: int, least_ratio: float, most: int | None, joined: bool
) -> DataFrame:
    """Pairs by pointwise mutual information, descending, then by their bytes.

    Ordered by c(xy) / (c(x) c(y)), whose logarithm it is: two roundings of IEEE arithmetic, the same on every machine.

    Args:
        rows: `kind`, `text`, `count`.
        word_least: occurrences that both words need.
        least: occurrences that the pair needs.
        least_ratio: of c(xy) / (c(x) c(y)).
        most: pairs at most; None: all.
        joined: without a space between the words; of pairs that then look the same the best counts.

    Returns:
        `text`, `pair`, `first`, `second` (counts) and `ratio`, in order.
    """
    words = rows.where((F.col("kind") == WORD) & (F.col("count") >= word_least))
    first = words.select(F.col("text").alias("first_word"), F.col("count").alias("first"))
    second = words.select(F.col("text").alias("second_word"), F.col("count").alias("second"))
    parts = F.split("text", " ")
    pairs = rows.where((F.col("kind") == PAIR) & (F.col("count") >= least)).select(
        F.col("count").alias("pair"), parts[0].alias("first_word"), parts[1].alias("second_word")
    )
    chance = F.col("first").cast("double") * F.col("second").cast("double")
    scored = pairs.join(first, "first_word").join(second, "second_word").select(
        F.concat_ws("" if joined else " ", "first_word", "second_word").alias("text"),
        "pair", "first", "second",
        (F.col("pair").cast("double") / chance).alias("ratio"),
    )  # fmt: skip
    scored = scored.where((F.col("ratio") >= least_ratio) & (F.length("text") <= MAX_ENTRY_CHARACTERS))
    if joined:
        best = F.max(F.struct("ratio", "pair", "first", "second")).alias("best")
        scored = scored.groupBy("text").agg(best).select("text", "best.pair", "best.first", "best.second", "best.ratio")
    ordered = scored.orderBy(F.desc("ratio"), F.asc("text"))
    return ordered if most is None else ordered.limit(most)
