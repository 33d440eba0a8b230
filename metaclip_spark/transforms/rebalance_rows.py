"""Curated rows again, at other thresholds or counts: from the matches and the draw of each row, without its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.balance_statistics import BalanceStatistics
from metaclip_spark.core.balancing import balance_rows
from metaclip_spark.storage.columns import quoted
from metaclip_spark.transforms.batches import by_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from pyspark import Accumulator
    from pyspark.sql import DataFrame

    from metaclip_spark.core.balancing import BalancedRows
    from metaclip_spark.transforms.keep_balanced import Balance


def rebalance_rows(rows: DataFrame, balance: Balance, statistics: Accumulator[BalanceStatistics]) -> DataFrame:
    """The rows that stay, their probability and admission threshold as the balance's counts and t give them.

    Args:
        rows: of the curated table or the reserve.
        balance: counts, thresholds by language, and the thresholds up to which rows stay.
        statistics: receives the figures of all rows when the result is written.

    Returns:
        The same columns.
    """

    def again(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        figures = BalanceStatistics()
        for batch in batches:
            for language, part in by_language(batch, tuple(balance.t)):
                decided = _decide(part, balance.counts.value[language], balance.t[language])
                figures.add(language, decided.probability, decided.threshold, balance.t[language])
                stays = pa.array(decided.threshold <= balance.stored[language])
                yield _with_columns(part, decided._asdict()).filter(stays)
        statistics.add(figures)

    return rows.mapInArrow(again, rows.schema)


def with_origin(rows: DataFrame, values: Mapping[str, str]) -> DataFrame:
    """The same rows with some columns set to one value, such as `run_id`; their comments stay."""
    return rows.select(
        *(
            F.lit(values[field.name]).alias(field.name, metadata=field.metadata)
            if field.name in values
            else quoted(field.name)
            for field in rows.schema.fields
        )
    )


def _decide(part: pa.RecordBatch, counts: NDArray[np.int64], t: float) -> BalancedRows:
    matched = part.column("matched_entries")
    offsets = matched.offsets.to_numpy().astype(np.int64)
    ids, u = matched.flatten().to_numpy(), part.column("draw").to_numpy(zero_copy_only=False)
    return balance_rows(ids, offsets - offsets[0], counts, t, u)


def _with_columns(part: pa.RecordBatch, values: Mapping[str, NDArray[np.float64]]) -> pa.RecordBatch:
    """Probability and threshold in place of the old ones."""
    columns = {name: part.column(name) for name in part.schema.names}
    columns["probability"] = pa.array(values["probability"])
    columns["admission_threshold"] = pa.array(values["threshold"])
    return pa.RecordBatch.from_pydict(columns)
