"""Layouts of the files that a run writes, planned from estimates of its rows."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from metaclip_spark.core.balancing.expected_rows import estimate_kept_rows
from metaclip_spark.tables.file_layout import FileLayout, coalesced, row_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.curation.choose_t import ChosenT
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.stored_run import StoredRun

_MIB: Final = 1 << 20


class FileLayouts(NamedTuple):
    """Layout of each table.

    Attributes:
        curated: Rows up to t.
        reserve: Rows above t.
        both: All rows, before they are divided between the two tables.
    """

    curated: FileLayout
    reserve: FileLayout
    both: FileLayout

    def plus(self, added: FileLayouts) -> FileLayouts:
        """Return the layouts of tables that contain the rows of both."""
        return FileLayouts(*(_sum(*pair) for pair in zip(self, added, strict=True)))


class PoolRows(NamedTuple):
    """Rows and matches of all pools; they do not depend on the counts that balance the rows.

    Attributes:
        read: Rows read.
        matched: Rows that match an entry, by language.
        matches: Number of matches of these rows; an entry counts once per row.
    """

    read: int
    matched: Mapping[str, int]
    matches: int

    def only(self, languages: Collection[str]) -> PoolRows:
        """Return the figures of some languages. Matches are divided in proportion to the matched rows."""
        matched = {name: rows if name in languages else 0 for name, rows in self.matched.items()}
        share = sum(matched.values()) / max(1, sum(self.matched.values()))
        return PoolRows(self.read, matched, round(self.matches * share))


def pool_rows_of(run: StoredRun) -> PoolRows:
    """Return the rows of all pools that a run and the runs before it read."""
    matched = {name: figures.matched for name, figures in run.report.languages.items()}
    return PoolRows(run.counters["read"], matched, run.report.matches)


def file_layouts(
    config: CurateConfig,
    sources: Iterable[Source],
    rows: PoolRows,
    counts: Mapping[str, NDArray[np.int64]],
    chosen: ChosenT,
) -> FileLayouts:
    """Return layouts for the number of rows that is expected.

    Args:
        config: Configuration with the intended file size, the compression, and whether to cluster.
        sources: All sources of the rows. If the size of one is not known, no number of tasks is planned.
        rows: Rows of all pools together.
        counts: Entry counts that balance them, by language.
        chosen: Thresholds of the run.
    """
    plain = FileLayout(compression=config.compression, file_bytes=config.file_mib * _MIB)
    clustered = replace(plain, cluster=config.cluster)
    sizes = [source.bytes for source in sources]
    if rows.read == 0 or None in sizes:
        return FileLayouts(curated=clustered, reserve=clustered, both=plain)
    pool_bytes = float(sum(size for size in sizes if size is not None))
    per_caption = rows.matches / max(1, sum(rows.matched.values()))

    def about_rows(limits: Mapping[str, float]) -> float:
        return sum(estimate_kept_rows(counts[name], rows.matched[name], per_caption, t) for name, t in limits.items())

    bytes_of_row = row_bytes(pool_bytes, rows.read, per_caption)
    kept = bytes_of_row * about_rows(chosen.t)
    stored = bytes_of_row * about_rows(chosen.reserve_t) if chosen.reserve_t else kept
    return FileLayouts(
        curated=replace(clustered, expected_bytes=kept),
        reserve=replace(clustered, expected_bytes=stored - kept),
        both=replace(plain, expected_bytes=stored),
    )


def side_by_side(parts: Sequence[tuple[DataFrame, FileLayouts]], *, reserve: bool) -> tuple[DataFrame, FileLayouts]:
    """Return the union of rows of several origins, in which each part has tasks of its own.

    Nearly all stored rows of a table are kept, but only few rows of a pool. If parts shared tasks, some tasks would
    write nearly all rows. With tasks of its own, each part is spread evenly over all cores. The price is, for each part
    but the first, at most as many additional files as there are cores.

    Args:
        parts: Rows with the same columns, each with the layouts of tables that would contain no other rows.
        reserve: Whether the rows will be divided between two tables.

    Returns:
        The rows, and layouts that leave the tasks of these rows as they are.
    """
    rows = reduce(
        lambda left, right: left.unionByName(right),
        (coalesced(part, layouts.both if reserve else layouts.curated) for part, layouts in parts),
    )
    total = reduce(FileLayouts.plus, (layouts for _, layouts in parts))
    written = "both" if reserve else "curated"
    return rows, total._replace(**{written: replace(getattr(total, written), expected_bytes=None)})


def _sum(one: FileLayout, other: FileLayout) -> FileLayout:
    if one.expected_bytes is None or other.expected_bytes is None:
        return replace(one, expected_bytes=None)
    return replace(one, expected_bytes=one.expected_bytes + other.expected_bytes)
