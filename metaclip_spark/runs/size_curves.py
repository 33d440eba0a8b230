"""The realised size curve: rows by bin of their admission threshold, by language, as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.balancing.size_curve import upper_edge
from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.runs.identity import CURATE, FINISHED
from metaclip_spark.tables.schemas import RUNS, SIZE_CURVE, SIZE_CURVE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metaclip_spark.core.balancing.size_curve import SizeCurve
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.tables.tables import Tables

# What the thresholds depend on beside the counts.
_DRAWN_BY: Final = ("columns", "reading", "seed", "texts_per_image")


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
    rows = tables.create_dataframe(pa.concat_tables(parts), SIZE_CURVE_SCHEMA)
    tables.replace_rows(SIZE_CURVE, rows, f"counts_version = '{plan.balanced_by}'")


def stored_curve(tables: Tables, plan: RunPlan) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Bins and rows of the only language's curve, if a run over the same pool, counts and draws has left it."""
    curves, runs = tables.read(SIZE_CURVE), tables.read(RUNS)
    if curves is None or runs is None:
        return None
    found = curves.where(curves.counts_version == plan.balanced_by).toArrow().sort_by("threshold_bin")
    measured_by = set(found["run_id"].to_pylist())
    # Frozen counts balance several pools, and an append adds rows to a curve: only a curation has its pool alone in it.
    of_these_draws = (runs.status == FINISHED) & (runs.draw_version == DRAW_VERSION) & (runs.stage == CURATE)
    finished = runs.where(runs.run_id.isin(*measured_by) & of_these_draws)
    measured = finished.select("configuration", "inputs").collect()
    if len(measured) != 1 or json.loads(measured[0].inputs)["digest"] != plan.source.digest:
        return None
    configuration = json.loads(measured[0].configuration)
    if any(configuration.get(name) != plan.configuration.get(name) for name in _DRAWN_BY):
        return None
    return found["threshold_bin"].to_numpy().astype(np.int64), found["rows"].to_numpy()
