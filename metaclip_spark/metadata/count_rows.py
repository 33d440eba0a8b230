"""Rows of counts, `kind`, `text`, `count`: the one form in which dumps and ready-made counts pass through Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

WORD, PAIR, TITLE, FIGURE = range(4)
"""Kinds of rows. The text of a FIGURE is its name; the count of a TITLE is the number of articles with this title."""
COUNT_SCHEMA: Final = "kind tinyint, text string, count bigint"

_ARROW_SCHEMA: Final = pa.schema([("kind", pa.int8()), ("text", pa.string()), ("count", pa.int64())])


def count_rows(kind: int, texts: pa.Array | Sequence[str], counts: pa.Array | Sequence[int]) -> pa.RecordBatch:
    """Return rows of one kind.

    >>> count_rows(WORD, ["dog"], [3]).to_pylist()
    [{'kind': 0, 'text': 'dog', 'count': 3}]
    """
    columns = [
        pa.repeat(pa.scalar(kind, pa.int8()), len(texts)),
        texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string()),
        counts if isinstance(counts, pa.Array) else pa.array(counts, pa.int64()),
    ]
    return pa.record_batch(columns, schema=_ARROW_SCHEMA)


def figure_rows(figures: Counter[str]) -> pa.RecordBatch:
    """Return rows of kind FIGURE: few per task, so they travel with the counts."""
    return count_rows(FIGURE, list(figures), list(figures.values()))


def sum_counts(rows: DataFrame) -> DataFrame:
    """Add the counts of equal kinds and texts."""
    return rows.groupBy("kind", "text").agg(F.sum("count").alias("count"))
