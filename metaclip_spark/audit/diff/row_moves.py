"""Why a row is in one curated table and not in the other: which of the things that changed decided it.

From the first curation to the second, the threshold, the counts and the seed are changed one after the other. The
reason is the first change after which the row is kept where it was not, or is not where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.core.draw import draws
from metaclip_spark.pools.split_by_language import split_by_language
from metaclip_spark.spark.arrow_functions import map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from metaclip_spark.curation.keep_balanced import Balance

POOL: Final = "pool"
"""The other curation's pool does not have the row."""

METADATA: Final = "metadata"
"""The row's language has another list of entries in the other curation, so that counts cannot be compared."""

THRESHOLD: Final = "t"
"""t rose to the row's admission threshold, or fell below it."""

ENTRY_COUNTS: Final = "entry_counts"
"""Counts of the row's entries changed, which moved its admission threshold past t."""

SEED: Final = "seed"
"""Another seed draws another u."""

OTHER: Final = "other"
"""None of these: another text of its image was chosen, its caption is another one, or it was deleted."""

_STEPS: Final = np.array([OTHER, THRESHOLD, ENTRY_COUNTS, SEED])
_SCHEMA: Final = "uid string, reason string"
_ARROW: Final = pa.schema([("uid", pa.string()), ("reason", pa.string())])


def why_moved(
    rows: DataFrame, before: Balance, after: Balance, *, comparable: Collection[str], came: bool
) -> DataFrame:
    """The reason of each row that one of two curated tables holds.

    Args:
        rows: `uid`, `language`, `matched_entries` of the table that holds them, and `in_pool`, whether the pool of the
            other curation has the row (true where that is not known).
        before: counts, thresholds and seed of the first curation.
        after: of the second.
        comparable: languages whose metadata is the same list in both, so that ids mean the same.
        came: the rows are in the second table only; False: in the first only.

    Returns:
        `uid` as text and `reason`, a constant of this module.
    """
    languages = sorted(comparable)

    def sort_out(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _with_reasons(batch.filter(pc.invert(batch.column("in_pool"))), POOL)
            known = batch.filter(batch.column("in_pool"))
            foreign = pc.invert(pc.is_in(known.column("language"), value_set=pa.array(languages, pa.string())))
            yield _with_reasons(known.filter(foreign), METADATA)
            for language, part in split_by_language(known, languages):
                yield _with_reasons(part, _steps(part, language, before, after, came=came))

    return map_in_arrow(rows.select("uid", "language", "matched_entries", "in_pool"), sort_out, _SCHEMA)


def _steps(part: pa.RecordBatch, language: str, before: Balance, after: Balance, *, came: bool) -> NDArray[np.str_]:
    """The first change that decided each row; shape (rows,)."""
    lists = part.column("matched_entries")
    ids = lists.flatten().to_numpy().astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy())])
    old_t, new_t = before.t[language], after.t[language]
    uids = part.column("uid")

    def threshold(balance: Balance, seed: int) -> NDArray[np.float64]:
        counts = balance.counts.value[language]
        return balance_rows(ids, offsets, counts, balance.t[language], draws(uids, seed)).threshold

    old = threshold(before, before.seed)
    kept = [old <= old_t, old <= new_t, threshold(after, before.seed) <= new_t, threshold(after, after.seed) <= new_t]
    # The first state in which the row is where it ends up. If that is the first one, or none, no change explains it.
    first: NDArray[np.str_] = _STEPS[np.argmax(np.stack(kept) == came, axis=0)]
    return first


def _with_reasons(part: pa.RecordBatch, reasons: str | NDArray[np.str_]) -> pa.RecordBatch:
    column = pa.repeat(pa.scalar(reasons), len(part)) if isinstance(reasons, str) else pa.array(reasons, pa.string())
    return pa.record_batch([part.column("uid").cast(pa.string()), column], schema=_ARROW)
