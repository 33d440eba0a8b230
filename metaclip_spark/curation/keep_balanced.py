"""Algorithm 1, part 2: match again, draw, and keep the rows whose admission threshold is at most t.

Matching twice costs less than writing the matches of every row and reading them back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.core.draw import draws
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.columns import quoted
from metaclip_spark.spark.shared_value import share
from metaclip_spark.tables.schemas import DECISIONS, IMAGE_ID, LANGUAGE, curated_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame, SparkSession

    from metaclip_spark.core.balancing.rule import BalancedRows
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.curation.gathered_statistics import Statistics
    from metaclip_spark.spark.shared_metadata import SharedMetadata
    from metaclip_spark.spark.shared_value import Shared


@dataclass(frozen=True)
class Balance:
    """Everything that a task needs to balance a row.

    Attributes:
        counts: Entry counts by language; int64, shape (n_entries,).
        t: Threshold by language, in matches.
        seed: Seed of the draw.
        stored: Threshold by language up to which rows are written: t, or the greater limit of the reserve.
    """

    counts: Shared[dict[str, NDArray[np.int64]]]
    t: Mapping[str, float]
    seed: int
    stored: Mapping[str, float]


@contextmanager
def balance_on_executors(
    spark: SparkSession,
    counts: Mapping[str, NDArray[np.int64]],
    t: Mapping[str, float],
    seed: int,
    stored: Mapping[str, float] | None = None,
) -> Iterator[Balance]:
    """Share counts with the executors (8 bytes per entry in each worker process), and remove them at the end."""
    shared = share(spark, dict(counts))
    try:
        yield Balance(shared, t, seed, stored or t)
    finally:
        shared.destroy()


@dataclass(frozen=True)
class Provenance:
    """Origin of the rows of a run.

    Attributes:
        pool_name: Name of the pool.
        counts_version: Key of the counts that balance the rows.
        metadata_digests: SHA-256 of the metadata by language.
        run_id: The run that writes the rows.
    """

    pool_name: str
    counts_version: str
    metadata_digests: Mapping[str, str]
    run_id: str


def keep_balanced(rows: DataFrame, metadata: SharedMetadata, balance: Balance, statistics: Statistics) -> DataFrame:
    """Return the rows that balancing keeps, with their decision columns.

    A row is kept if its admission threshold, the smallest t at which q(t) exceeds its draw, is at most t.

    Args:
        rows: `uid` and `text`, `language` if the metadata has several, and any other columns.
        metadata: Metadata on the executors.
        balance: Counts, thresholds and seed.
        statistics: Receives the figures of all matched rows when the result is written.

    Returns:
        The columns without `language`, then `language` if there was one, then the decision columns.
    """

    def keep(batches: Iterator[pa.RecordBatch], figures: BalanceStatistics) -> Iterator[pa.RecordBatch]:
        for language, part, matched in matched_parts(batches, metadata, balance):
            decided = matched.decisions
            figures.add(language, decided.probability, decided.threshold, balance.t[language])
            yield with_decisions(part, matched, decided.threshold <= balance.stored[language])

    return statistics.gather(rows, keep, decided_schema(rows.schema))


@dataclass(frozen=True)
class Matched:
    """Matches and decisions of a batch.

    Attributes:
        ids: Ids of the matching entries, ascending in each row; int32, shape (matches,).
        offsets: Start of the ids of each row; int64, shape (rows + 1,).
        draws: Draw u of each row, nan without a uid; float64, shape (rows,).
        decisions: Probability and admission threshold of each row.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    draws: NDArray[np.float64]
    decisions: BalancedRows


def matched_parts(
    batches: Iterator[pa.RecordBatch], metadata: SharedMetadata, balance: Balance
) -> Iterator[tuple[str, pa.RecordBatch, Matched]]:
    """Match and balance batches on an executor.

    Yields:
        Language, rows of this language, and their matches and decisions.
    """
    counts = balance.counts.value
    for batch in batches:
        for language, part in split_by_language(batch, metadata.languages):
            ids, offsets = metadata.matcher(language).match_ids(part.column("text"))
            u = draws(part.column("uid"), balance.seed)
            decisions = balance_rows(ids, offsets, counts[language], balance.t[language], u)
            yield language, part, Matched(ids, offsets, u, decisions)


def with_decisions(part: pa.RecordBatch, matched: Matched, keep: NDArray[np.bool_]) -> pa.RecordBatch:
    """Return the kept rows of a batch with their decision columns; the language follows the carried columns.

    Args:
        part: The batch.
        matched: Matches and decisions of the batch.
        keep: Whether to keep each row; shape (rows,).
    """
    mask = pa.array(keep)
    kept = part.filter(mask)
    columns = {name: kept.column(name) for name in kept.schema.names if name != LANGUAGE.name}
    if LANGUAGE.name in kept.schema.names:
        columns[LANGUAGE.name] = kept.column(LANGUAGE.name)
    lengths = np.diff(matched.offsets)
    ids = matched.ids[np.repeat(keep, lengths)]
    offsets = np.zeros(len(kept) + 1, np.int32)
    np.cumsum(lengths[keep], out=offsets[1:])
    decided = (
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids)),
        pa.array(matched.decisions.probability[keep]),
        pa.array(matched.draws[keep]),
        pa.array(matched.decisions.threshold[keep]),
    )
    for field, values in zip(DECISIONS, decided, strict=True):
        columns[field.name] = values
    return pa.RecordBatch.from_pydict(columns)


def decided_schema(schema: T.StructType) -> T.StructType:
    """Return the schema of `keep_balanced`: carried columns, language if there is one, decision columns."""
    carried = [field for field in schema.fields if field.name != LANGUAGE.name]
    language = [LANGUAGE] if LANGUAGE.name in schema.names else []
    return T.StructType([*carried, *language, *DECISIONS])


def with_provenance(kept: DataFrame, origin: Provenance) -> DataFrame:
    """Return the columns of the curated table in order, adding image ids, a single language and the origin.

    Args:
        kept: Rows of `keep_balanced`.
        origin: Origin of the rows.
    """
    carried = [field for field in kept.schema.fields if field.name not in {LANGUAGE.name, *(d.name for d in DECISIONS)}]
    with_image_id = any(field.name == "image_url" for field in carried)
    schema = curated_schema(carried, with_image_id=with_image_id)
    added: dict[str, Column] = {
        "pool_name": F.lit(origin.pool_name),
        "counts_version": F.lit(origin.counts_version),
        "run_id": F.lit(origin.run_id),
        "metadata_digest": _by_language(origin.metadata_digests, has_language=LANGUAGE.name in kept.columns),
    }
    if with_image_id:
        added[IMAGE_ID.name] = image_id_column(F.col("image_url"))
    if LANGUAGE.name not in kept.columns:
        added[LANGUAGE.name] = F.lit(next(iter(origin.metadata_digests)))
    return kept.select(
        *(added.get(field.name, quoted(field.name)).alias(field.name, metadata=field.metadata) for field in schema)
    )


def image_id_column(image_url: Column) -> Column:
    """Return `core.derived_ids.image_id` as a Spark expression; null without a URL, as such rows would share an id."""
    cleaned = F.translate(image_url, "\t ", "")
    return F.when(F.length(cleaned) > 0, F.substring(F.sha2(cleaned.cast("binary"), 224), 1, 24))


def _by_language(values: Mapping[str, str], *, has_language: bool) -> Column:
    if not has_language:
        return F.lit(next(iter(values.values())))
    pairs: list[Any] = [F.lit(text) for pair in values.items() for text in pair]
    return F.element_at(F.create_map(*pairs), F.col(LANGUAGE.name))
