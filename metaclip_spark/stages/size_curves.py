"""The realised size curve: rows by bin of their admission threshold, by language, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_spark.core.size_curve import upper_edge
from metaclip_spark.storage.schemas import SIZE_CURVE, SIZE_CURVE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.core.size_curve import SizeCurve
    from metaclip_spark.stages.run_plan import RunPlan
    from metaclip_spark.storage.tables import Tables


def store_size_curves(
    tables: Tables, plan: RunPlan, curves: Mapping[str, SizeCurve], known_to: Mapping[str, float | None] | None = None
) -> None:
    """Write the curve of each language, in place of an earlier one of the same counts.

    Args:
        tables: of the output.
        plan: the run.
        curves: by language.
        known_to: edge by language where the curve ends; None: it does not, every matched row is in it.
    """
    parts = []
    for language, curve in curves.items():
        end = known_to[language] if known_to else None
        bins = curve.bins
        columns = {
            "counts_version": pa.repeat(pa.scalar(plan.balanced_by), len(bins)),
            "language": pa.repeat(pa.scalar(language), len(bins)),
            "threshold_bin": pa.array(bins, pa.int32()),
            "upper_edge": pa.array([upper_edge(int(number)) for number in bins], pa.float64()),
            "rows": pa.array(curve.rows, pa.int64()),
            "run_id": pa.repeat(pa.scalar(plan.run_id), len(bins)),
            "known_to": pa.repeat(pa.scalar(end, pa.float64()), len(bins)),
        }
        parts.append(pa.table({name: columns[name] for name in SIZE_CURVE_SCHEMA.names}))
    rows = tables.frame(pa.concat_tables(parts), SIZE_CURVE_SCHEMA)
    tables.put(SIZE_CURVE, rows, f"counts_version = '{plan.balanced_by}'")
