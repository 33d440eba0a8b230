"""A share of a pool's rows, by a hash of their uid; and what balancing would keep of them, by probability alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.estimation.row_sample import sample_bound, sample_domain
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.tables.schemas import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame, Observation

    from metaclip_spark.spark.shared_metadata import SharedMetadata
    from metaclip_spark.spark.shared_value import Shared

_SUMS: Final = "place int, q double, qq double"
_ARROW_SUMS: Final = pa.schema([("place", pa.int32()), ("q", pa.float64()), ("qq", pa.float64())])


def sample_rows(rows: DataFrame, share: float, seed: int, seen: Observation | None = None) -> DataFrame:
    """The sampled rows, with id, text and language only, of those that have a caption.

    Rows without one, null or empty, match nothing: they are counted, not sampled. Nothing but their captions may tell
    them apart, so that a sample would hold all of them or none.

    Args:
        rows: the pool under its canonical names. A row without a uid is told by its text instead: those with the same
            one are in the sample together.
        share: of the rows with a caption, in (0, 1).
        seed: of the run; another one samples other rows.
        seen: observes `rows` and `without_caption`, when the result is first computed; Spark counts a task that it had
            to do again once more.
    """
    names = [name for name in ("uid", "text", LANGUAGE.name) if name in rows.columns]
    read = rows.select(*names)
    if seen is not None:
        without = F.count_if(~has_caption()).alias("without_caption")
        read = read.observe(seen, F.count(F.lit(1)).alias("rows"), without)
    told_by = [F.col(name).cast("string") for name in ("uid", "text") if name in rows.columns]
    hashed = F.xxhash64(F.lit(sample_domain(seed)), F.coalesce(*told_by))
    return read.where(has_caption() & (hashed < F.lit(sample_bound(share))))


def has_caption() -> Column:
    """Whether a row's caption is there and has a byte."""
    return F.coalesce(F.octet_length("text") > 0, F.lit(False))  # noqa: FBT003 - a literal of SQL


def sum_probabilities(
    rows: DataFrame,
    metadata: SharedMetadata,
    tables: Shared[dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]],
    places: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of q and of q squared over the rows that matched and have a uid.

    Args:
        rows: of `sample_rows`.
        metadata: on the workers.
        tables: by language, for each entry the column of a table of probabilities p, and the table, of shape (places,
            columns).
        places: thresholds that are tried.

    Returns:
        Both of shape (places,).
    """

    def add_up(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sums = np.zeros((2, places))
        for batch in batches:
            for language, part in split_by_language(batch, metadata.languages):
                identified = part.filter(part.column("uid").is_valid())
                ids, offsets = metadata.matcher(language).match_ids(identified.column("text"))
                sums += _sums_of_batch(ids, offsets, *tables.value[language])
        yield pa.record_batch([pa.array(np.arange(places, dtype=np.int32)), *map(pa.array, sums)], schema=_ARROW_SUMS)

    added = map_in_arrow(rows, add_up, _SUMS).groupBy("place").agg(F.sum("q").alias("q"), F.sum("qq").alias("qq"))
    found = added.toArrow().sort_by("place")
    return found["q"].to_numpy(), found["qq"].to_numpy()


def _sums_of_batch(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], columns: NDArray[np.int64], table: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shape (2, places)."""
    starts = offsets[:-1][np.diff(offsets) > 0]
    if not starts.size:
        return np.zeros((2, len(table)))
    own = columns[ids]
    q = np.stack([1.0 - np.multiply.reduceat(1.0 - p[own], starts) for p in table])
    return np.stack([q.sum(axis=1), (q * q).sum(axis=1)])
