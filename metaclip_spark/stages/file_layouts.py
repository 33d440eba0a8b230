"""The files of the tables that a run writes, from what is known of its rows before they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from metaclip_spark.core.expected_rows import about_rows_kept
from metaclip_spark.storage.file_layout import FileLayout, row_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metaclip_spark.config import CurateConfig
    from metaclip_spark.core.pool_counts import PoolCounts
    from metaclip_spark.stages.stored_run import StoredRun

_MIB = 1 << 20


class FileLayouts(NamedTuple):
    """Layout of each table.

    Attributes:
        curated: rows up to t.
        reserve: rows above it.
        both: all of them, on their way into the two.
    """

    curated: FileLayout
    reserve: FileLayout
    both: FileLayout


class PoolRows(NamedTuple):
    """Figures of the rows of all pools together, whosever counts balance them.

    Attributes:
        read: rows.
        matched: rows that match any entry, by language.
        matches: of these rows.
    """

    read: int
    matched: Mapping[str, int]
    matches: int

    def plus(self, added: PoolCounts) -> PoolRows:
        """With the rows of another pool."""
        matched = {name: rows + added.matched[name] for name, rows in self.matched.items()}
        return PoolRows(self.read + added.read, matched, self.matches + added.matches)


def rows_behind(run: StoredRun) -> PoolRows:
    """The rows of all pools behind a run."""
    matched = {name: figures["matched"] for name, figures in run.report["languages"].items()}
    return PoolRows(run.counters["read"], matched, run.report["matches"])


def file_layouts(
    config: CurateConfig,
    pools: Iterable[Mapping[str, Any]],
    rows: PoolRows,
    counts: Mapping[str, NDArray[np.int64]],
    *,
    t: Mapping[str, float],
    reserve_t: Mapping[str, float] | None,
) -> FileLayouts:
    """Layouts by the rows that are expected.

    Args:
        config: says what is aimed at.
        pools: descriptions of all sources of the rows (`Source.description`), with their bytes where these are known.
        rows: of all pools together.
        counts: that balance them, by language.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
    """
    plain = FileLayout(compression=config.compression, file_bytes=config.file_mib * _MIB)
    clustered = replace(plain, cluster=config.cluster)
    described = list(pools)
    if rows.read == 0 or not all("bytes" in pool for pool in described):
        return FileLayouts(curated=clustered, reserve=clustered, both=plain)
    pool_bytes = float(sum(pool["bytes"] for pool in described))
    per_caption = rows.matches / max(1, sum(rows.matched.values()))

    def about_rows(limits: Mapping[str, float]) -> float:
        return sum(about_rows_kept(counts[name], rows.matched[name], per_caption, t) for name, t in limits.items())

    bytes_of_row = row_bytes(pool_bytes, rows.read, per_caption)
    kept = bytes_of_row * about_rows(t)
    stored = bytes_of_row * about_rows(reserve_t) if reserve_t else kept
    return FileLayouts(
        curated=replace(clustered, expected_bytes=kept),
        reserve=replace(clustered, expected_bytes=stored - kept),
        both=replace(plain, expected_bytes=stored),
    )
