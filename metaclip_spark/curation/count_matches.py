"""Algorithm 1, part 1: match every caption and count the captions that match each entry.

Only the caption (and language) column is read. Each task counts into dense arrays and yields its counts as blocks of
65,536 entries, sparse where that is shorter; `reduceByKey` adds the blocks, and only their sum reaches the driver.
Without a SparkContext there are no RDDs: the numbers of the blocks are then rows of a table that Spark sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.counting.count_blocks import merge_blocks
from metaclip_spark.core.counting.pool_counts import (
    PoolCounter,
    PoolCounts,
    block_keys,
    blocks_from_numbers,
    numbers_from_blocks,
    pool_counts,
)
from metaclip_spark.pools.records import HEADER, RECORD, WELL_FORMED
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.session_features import has_spark_context, parallelism

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame

    from metaclip_spark.spark.shared_metadata import SharedMetadata

BLOCK_SCHEMA: Final = "key int, block binary"
NUMBER_SCHEMA: Final = "place long, number long"
_ARROW_SCHEMA: Final = pa.schema([("key", pa.int32()), ("block", pa.binary())])


def count_matches(rows: DataFrame, metadata: SharedMetadata) -> PoolCounts:
    """Return the exact counts of a pool, whatever its partitions.

    Args:
        rows: `text`, and `language` if the metadata has several; null captions are counted but not matched. Pools in
        text formats also have `RECORD`: malformed records are counted, and their text is ignored.
        metadata: Metadata on the executors.
    """
    columns = [name for name in ("text", "language", RECORD) if name in rows.columns]
    blocks = map_in_arrow(rows.select(*map(quoted, columns)), _counted(metadata), BLOCK_SCHEMA)
    if not has_spark_context(rows.sparkSession):
        return _summed_as_table(blocks, metadata)
    reducers = max(1, min(block_keys(metadata.n_entries), parallelism(rows.sparkSession)))
    summed = blocks.rdd.map(_pair).reduceByKey(merge_blocks, reducers).collect()
    return pool_counts(metadata.n_entries, summed)


def _summed_as_table(blocks: DataFrame, metadata: SharedMetadata) -> PoolCounts:
    summed = map_in_arrow(blocks, _as_numbers, NUMBER_SCHEMA).groupBy("place").agg(F.sum("number").alias("number"))
    found = summed.toArrow()
    places, numbers = found["place"].to_numpy(), found["number"].to_numpy()
    return pool_counts(metadata.n_entries, blocks_from_numbers(metadata.n_entries, places, numbers))


def _as_numbers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        pairs = zip(batch.column("key").to_pylist(), batch.column("block").to_pylist(), strict=True)
        yield pa.record_batch(list(map(pa.array, numbers_from_blocks(pairs))), names=["place", "number"])


def _pair(row: tuple[int, bytearray]) -> tuple[int, bytes]:
    return row[0], bytes(row[1])


def _counted(metadata: SharedMetadata) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function of one task, which takes batches of captions and yields blocks of counts."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counter = PoolCounter(metadata.n_entries)
        for batch in batches:
            _count_batch(batch, metadata, counter)
        keys, blocks = zip(*counter.blocks(), strict=True)
        yield pa.record_batch([pa.array(keys, pa.int32()), pa.array(blocks, pa.binary())], schema=_ARROW_SCHEMA)

    return count


def _count_batch(batch: pa.RecordBatch, metadata: SharedMetadata, counter: PoolCounter) -> None:
    records, headers = len(batch), 0
    if RECORD in batch.schema.names:
        kind = batch.column(RECORD)
        headers = pc.equal(kind, HEADER).true_count
        batch = batch.filter(pc.equal(kind, WELL_FORMED))
    malformed = records - headers - len(batch)
    captions = batch.column("text")
    null = captions.null_count
    full = pc.fill_null(pc.greater(pc.binary_length(captions), 0), fill_value=False)
    if full.true_count < len(batch):
        batch = batch.filter(full)
    left = len(batch)
    for language, rows in split_by_language(batch, metadata.languages):
        counter.add_matches(language, *metadata.matcher(language).match_ids(rows.column("text")))
        left -= len(rows)
    counter.add_rows(
        read=records - headers,
        null=null,
        empty=len(captions) - null - len(batch),
        language_without_metadata=left,
        malformed=malformed,
        headers=headers,
    )
