"""The files of the tables that a run writes, from what is known of its rows before they are written."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.core.balancing.expected_rows import estimate_kept_rows
from metaclip_spark.tables.file_layout import FileLayout, coalesced, row_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.pools.source import Source
    from metaclip_spark.runs.stored_run import StoredRun

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

    def plus(self, added: FileLayouts) -> FileLayouts:
        """Of tables that hold the rows of both."""
        return FileLayouts(*(_joined(*pair) for pair in zip(self, added, strict=True)))


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

    def only(self, languages: Collection[str]) -> PoolRows:
        """Without the matched rows of other languages; captions of each are taken to have as many matches."""
        matched = {name: rows if name in languages else 0 for name, rows in self.matched.items()}
        share = sum(matched.values()) / max(1, sum(self.matched.values()))
        return PoolRows(self.read, matched, round(self.matches * share))


def rows_behind(run: StoredRun) -> PoolRows:
    """The rows of all pools behind a run."""
    matched = {name: figures.matched for name, figures in run.report.languages.items()}
    return PoolRows(run.counters["read"], matched, run.report.matches)


def file_layouts(
    config: CurateConfig,
    sources: Iterable[Source],
    rows: PoolRows,
    counts: Mapping[str, NDArray[np.int64]],
    *,
    t: Mapping[str, float],
    reserve_t: Mapping[str, float] | None,
) -> FileLayouts:
    """Layouts by the rows that are expected.

    Args:
        config: says what is aimed at.
        sources: of the rows, all of them, with their bytes where these are known.
        rows: of all pools together.
        counts: that balance them, by language.
        t: threshold by language.
        reserve_t: threshold by language up to which rows are stored; None without a reserve.
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
    kept = bytes_of_row * about_rows(t)
    stored = bytes_of_row * about_rows(reserve_t) if reserve_t else kept
    return FileLayouts(
        curated=replace(clustered, expected_bytes=kept),
        reserve=replace(clustered, expected_bytes=stored - kept),
        both=replace(plain, expected_bytes=stored),
    )


def side_by_side(parts: Sequence[tuple[DataFrame, FileLayouts]], *, reserve: bool) -> tuple[DataFrame, FileLayouts]:
    """Rows of several origins as those of one table, each part in tasks of its own.

    Of a table's own rows nearly all stay, of a pool's few do; put into common tasks, neighbours with neighbours, some
    tasks would write nearly all rows. Apart, each part is spread evenly over all cores: there are at most as many more
    files as there are cores, for each part but the first.

    Args:
        parts: rows with the same columns, and the layouts of the tables if they held no others.
        reserve: whether the rows are on their way into two tables.

    Returns:
        The rows, and layouts of the tables that leave these rows' tasks as they are.
    """
    rows = reduce(
        lambda left, right: left.unionByName(right),
        (coalesced(part, layouts.both if reserve else layouts.curated) for part, layouts in parts),
    )
    whole = reduce(FileLayouts.plus, (layouts for _, layouts in parts))
    written = "both" if reserve else "curated"
    return rows, whole._replace(**{written: replace(getattr(whole, written), expected_bytes=None)})


def _joined(one: FileLayout, other: FileLayout) -> FileLayout:
    if one.expected_bytes is None or other.expected_bytes is None:
        return replace(one, expected_bytes=None)
    return replace(one, expected_bytes=one.expected_bytes + other.expected_bytes)
