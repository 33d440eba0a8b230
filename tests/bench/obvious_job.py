"""The obvious hand-written job: pyahocorasick in mapPartitions, reduceByKey, a filter, Delta.

It is a fair peer: the automaton is built once per worker, captions are spaced by one regular expression, and the draw
is the same hash of the id, so that counts and rows equal ours.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import ahocorasick
import xxhash
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark import Broadcast
    from pyspark.sql import Row, SparkSession

_MARK = re.compile(r"([,.;:?!`])")
_BLANKS = str.maketrans("\t\n\r", "   ")
_automaton: dict[int, ahocorasick.Automaton] = {}


def automaton_of(entries: Broadcast[list[str]]) -> ahocorasick.Automaton:
    """Return the automaton of this worker."""
    key = id(_automaton)
    if key not in _automaton:
        made = ahocorasick.Automaton()
        for entry_id, entry in enumerate(entries.value):
            made.add_word(f" {entry} ", entry_id)
        made.make_automaton()
        _automaton[key] = made
    return _automaton[key]


def matched(automaton: ahocorasick.Automaton, caption: str | None) -> set[int]:
    """Return the ids of the entries that match a caption."""
    spaced = _MARK.sub(r" \1 ", (caption or "").translate(_BLANKS))
    return {entry_id for _, entry_id in automaton.iter(f" {spaced} ")}


def obvious_job(spark: SparkSession, pool: Path, metadata: Path, output: Path, t: float) -> int:
    """Curate a pool with columns id, text, …, and return the number of matches."""
    with gzip.open(metadata, "rt", encoding="utf-8") as lines:
        entries = spark.sparkContext.broadcast([line.rstrip("\n") for line in lines])
    rows = spark.read.parquet(str(pool))

    def ids(partition: Iterator[Row]) -> Iterator[tuple[int, int]]:
        automaton = automaton_of(entries)
        for row in partition:
            for entry_id in matched(automaton, row.text):
                yield entry_id, 1

    counts = rows.select("text").rdd.mapPartitions(ids).reduceByKey(lambda a, b: a + b).collectAsMap()
    shared_counts = spark.sparkContext.broadcast(counts)

    def kept(partition: Iterator[Row]) -> Iterator[tuple[Any, ...]]:
        automaton = automaton_of(entries)
        for row in partition:
            found = sorted(matched(automaton, row.text))
            miss = 1.0
            for entry_id in found:
                miss *= 1.0 - min(1.0, t / shared_counts.value[entry_id])
            u = ((xxhash.xxh64_intdigest(str(row.id).encode(), seed=0) >> 12) + 0.5) * 2.0**-52
            if miss <= 1.0 - u:
                yield (*row, found, 1.0 - miss, u)

    schema = T.StructType(
        [
            *rows.schema.fields,
            T.StructField("matched_entries", T.ArrayType(T.IntegerType())),
            T.StructField("probability", T.DoubleType()),
            T.StructField("draw", T.DoubleType()),
        ]
    )
    spark.createDataFrame(rows.rdd.mapPartitions(kept), schema).write.format("delta").save(str(output))
    return sum(counts.values())
