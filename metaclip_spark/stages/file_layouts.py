"""The files of the tables that a run writes, from what is known of its rows before they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from metaclip_spark.core.expected_rows import about_rows_kept
from metaclip_spark.storage.file_layout import FileLayout, row_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metaclip_spark.config import CurateConfig
    from metaclip_spark.core.pool_counts import PoolCounts

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


def file_layouts(
    config: CurateConfig,
    pools: Iterable[Mapping[str, Any]],
    counts: PoolCounts,
    t: Mapping[str, float],
    reserve_t: Mapping[str, float] | None,
) -> FileLayouts:
    """Layouts by the rows that are expected.

    Args:
        config: says what is aimed at.
        pools: descriptions of all sources of the rows (`Source.description`), with their bytes where these are known.
        counts: of all pools together.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
    """
    plain = FileLayout(compression=config.compression, file_bytes=config.file_mib * _MIB)
    clustered = replace(plain, cluster=config.cluster)
    described = list(pools)
    if counts.read == 0 or not all("bytes" in pool for pool in described):
        return FileLayouts(curated=clustered, reserve=clustered, both=plain)
    pool_bytes = float(sum(pool["bytes"] for pool in described))
    bytes_of_row = row_bytes(pool_bytes, counts.read, counts.matches / max(1, sum(counts.matched.values())))
    kept = bytes_of_row * _about_rows(counts, t)
    stored = bytes_of_row * _about_rows(counts, reserve_t) if reserve_t else kept
    return FileLayouts(
        curated=replace(clustered, expected_bytes=kept),
        reserve=replace(clustered, expected_bytes=stored - kept),
        both=replace(plain, expected_bytes=stored),
    )


def _about_rows(counts: PoolCounts, t: Mapping[str, float]) -> float:
    return sum(about_rows_kept(counts.entries[name], counts.matched[name], limit) for name, limit in t.items())
