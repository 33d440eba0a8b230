"""The realised size curve: rows by bin of their admission threshold, by language, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_spark.core.size_curve import upper_edge
from metaclip_spark.storage.schemas import SIZE_CURVE, SIZE_CURVE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaclip_spark.core.balance_statistics import BalanceStatistics
    from metaclip_spark.stages.run_plan import RunPlan
    from metaclip_spark.storage.tables import Tables


def store_size_curves(tables: Tables, plan: RunPlan, statistics: BalanceStatistics, languages: Sequence[str]) -> None:
    """Write the curve of each language, in place of an earlier one of the same counts."""
    parts = []
    for language in languages:
        curve = statistics[language].curve
        bins = curve.bins
        columns = {
            "counts_version": pa.repeat(pa.scalar(plan.counts_version), len(bins)),
            "language": pa.repeat(pa.scalar(language), len(bins)),
            "threshold_bin": pa.array(bins, pa.int32()),
            "upper_edge": pa.array([upper_edge(int(number)) for number in bins], pa.float64()),
            "rows": pa.array(curve.rows, pa.int64()),
            "run_id": pa.repeat(pa.scalar(plan.run_id), len(bins)),
        }
        parts.append(pa.table({name: columns[name] for name in SIZE_CURVE_SCHEMA.names}))
    rows = tables.frame(pa.concat_tables(parts), SIZE_CURVE_SCHEMA)
    tables.put(SIZE_CURVE, rows, f"counts_version = '{plan.counts_version}'")
