"""Realised size curves: rows by bin of their admission threshold and by language, in the table `size_curve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.balancing.size_curve import upper_edge
from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.runs.stored_run import CURATE
from metaclip_spark.tables.schemas import SIZE_CURVE, SIZE_CURVE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from metaclip_spark.core.balancing.size_curve import SizeCurve
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.tables.tables import Tables

# Values, besides the counts, on which the thresholds depend.
_DRAWN_BY: Final = ("columns", "reading", "seed", "texts_per_image")


def store_size_curves(
    tables: Tables,
    identity: RunIdentity,
    curves: Mapping[str, SizeCurve],
    complete_to: Mapping[str, float | None] | None = None,
) -> None:
    """Write the curve of each language, in place of an earlier one of the same counts.

    Args:
        tables: Tables to write to.
        identity: Identity of the run.
        curves: Size curve by language.
        complete_to: Greatest t by language up to which its curve is complete; None if it contains every matched row.
    """
    parts = []
    for language, curve in curves.items():
        bins, end = curve.bins, complete_to[language] if complete_to else None
        columns = {
            "counts_version": pa.repeat(pa.scalar(identity.balanced_by), len(bins)),
            "language": pa.repeat(pa.scalar(language), len(bins)),
            "threshold_bin": pa.array(bins, pa.int32()),
            "upper_edge": pa.array([upper_edge(int(number)) for number in bins], pa.float64()),
            "rows": pa.array(curve.rows, pa.int64()),
            "run_id": pa.repeat(pa.scalar(identity.run_id), len(bins)),
            "complete_to": pa.repeat(pa.scalar(end, pa.float64()), len(bins)),
        }
        parts.append(pa.table({name: columns[name] for name in SIZE_CURVE_SCHEMA.names}))
    rows = tables.create_dataframe(pa.concat_tables(parts), SIZE_CURVE_SCHEMA)
    tables.replace_rows(SIZE_CURVE, rows, f"counts_version = '{identity.balanced_by}'")


def stored_curve(
    tables: Tables, runs: Mapping[str, StoredRun], identity: RunIdentity
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return bins and rows of the curve of a single language, if an earlier run over the same pool and draws stored it.

    Args:
        tables: Tables to read from.
        runs: Recorded runs by run id.
        identity: Identity of the run that wants the curve.
    """
    curves = tables.read(SIZE_CURVE)
    if curves is None:
        return None
    found = curves.where(curves.counts_version == identity.balanced_by).toArrow().sort_by("threshold_bin")
    run_ids = set(found["run_id"].to_pylist())
    # With frozen counts several pools share a counts version, and an append adds rows to the curve. Only the curve of a
    # `curate` run describes one pool.
    measured = [
        run
        for run_id in run_ids
        if (run := runs.get(run_id)) and run.is_finished and run.draw_version == DRAW_VERSION and run.stage == CURATE
    ]
    if len(measured) != 1 or measured[0].source.digest != identity.source.digest:
        return None
    if any(measured[0].configuration.get(name) != identity.configuration.get(name) for name in _DRAWN_BY):
        return None
    return found["threshold_bin"].to_numpy().astype(np.int64), found["rows"].to_numpy()
