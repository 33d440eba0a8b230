"""Curated rows at other thresholds or counts, from the stored matches and draw of each row, without its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions
from pyspark.sql import types as T  # noqa: N812 - Spark's own name for its types

from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.curation.write_balanced import admitted
from metaclip_spark.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    from metaclip_spark.core.balancing.rule import BalancedRows
    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.curation.gathered_statistics import Statistics
    from metaclip_spark.curation.keep_balanced import Balance

_COLUMN: Final = "decided"
_DECIDED: Final = ("probability", "admission_threshold")


def rebalance_rows(rows: DataFrame, balance: Balance, statistics: Statistics) -> DataFrame:
    """Return the kept rows, with probability and admission threshold recomputed for other counts and thresholds.

    Args:
        rows: Rows of the curated table or the reserve.
        balance: Counts, thresholds, and the thresholds up to which rows are kept.
        statistics: Receives the figures of all rows when the result is written.

    Returns:
        The same columns.
    """

    def decide_again(batch: pa.RecordBatch, figures: BalanceStatistics) -> pa.StructArray:
        decided = np.full((len(_DECIDED), len(batch)), np.nan)
        known = list(balance.t)
        places = pc.index_in(batch.column("language"), value_set=pa.array(known, pa.string()))
        codes = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
        for code in np.unique(codes[codes >= 0]):  # only languages in the batch, which may contain one of hundreds
            mine, language = codes == code, known[code]
            part = batch if mine.all() else batch.filter(pa.array(mine))
            own = _decide(part, balance.counts.value[language], balance.t[language])
            figures.add(language, own.probability, own.threshold, balance.t[language])
            decided[:, mine] = own.probability, own.threshold
        return pa.StructArray.from_arrays(list(map(pa.array, decided)), names=_DECIDED)

    added = T.StructField(_COLUMN, T.StructType([T.StructField(name, T.DoubleType()) for name in _DECIDED]))
    decided = statistics.gather_column(rows, ["language", "matched_entries", "draw"], decide_again, added)
    values = {name: F.col(_COLUMN)[name] for name in _DECIDED}
    return _with_columns(decided, rows.schema, values).where(admitted(balance.stored))


def with_constants(rows: DataFrame, values: Mapping[str, str]) -> DataFrame:
    """Return the rows with some columns set to one value each, such as `run_id`, keeping column comments."""
    return _with_columns(rows, rows.schema, {name: F.lit(value) for name, value in values.items()})


def _with_columns(rows: DataFrame, schema: T.StructType, values: Mapping[str, Column]) -> DataFrame:
    """Return the columns of a schema, some of them computed, keeping column comments."""
    return rows.select(
        *(values.get(field.name, quoted(field.name)).alias(field.name, metadata=field.metadata) for field in schema)
    )


def _decide(part: pa.RecordBatch, counts: NDArray[np.int64], t: float) -> BalancedRows:
    matched = part.column("matched_entries")
    offsets = matched.offsets.to_numpy().astype(np.int64)
    ids, u = matched.flatten().to_numpy(), part.column("draw").to_numpy(zero_copy_only=False)
    return balance_rows(ids, offsets - offsets[0], counts, t, u)
