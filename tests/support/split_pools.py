"""Pools that are appended one after the other, and the comparison with one curation of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
from pools import made_up_table, pool_at, write_files

from metaclip_spark.config.curation import CurateConfig

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.runs.report import CurateReport

ROWS = 2_400
CONFIG = CurateConfig(t=30.0, seed=3)
ORDER = {
    "entry_counts": ["language", "entry_id", "count"],
    "size_curve": ["language", "threshold_bin", "rows", "complete_to"],
}
OF_THE_RUN = ("run_id", "counts_version", "pool_name")


def read(spark: SparkSession, output: Path, name: str = "curated") -> pa.Table:
    """Return the sorted rows of a table without the columns that identify run and pool."""
    order = ORDER.get(name, ["uid"])
    table = spark.read.format("delta").load(str(output / name)).drop(*OF_THE_RUN).toArrow()
    return table.sort_by([(column, "ascending") for column in order]).combine_chunks()


def split_pools(folder: Path, table: pa.Table, shares: tuple[float, ...], columns: object = None) -> list[Pool]:
    """Write the rows as pools of different sizes, and return the pools."""
    pools, start = [], 0
    for number, share in enumerate(shares):
        length = int(share * len(table))
        path = write_files(table.slice(start, length), folder / f"pool{number}", files=1 + number % 2)
        pools.append(pool_at(path, columns, name=f"pool{number}"))  # type: ignore[arg-type]
        start += length
    return pools


def all_of(pools: list[Pool]) -> Pool:
    return replace(pools[0], paths=tuple(path for pool in pools for path in pool.paths), name="all")


def table_with_odd_captions() -> pa.Table:
    """Return made-up rows; some have no caption, some a caption that matches nothing."""
    rows = made_up_table(ROWS, seed=5)
    captions = rows["text"].to_pylist()
    captions[::97], captions[5::101], captions[7::89] = (
        [None] * len(captions[::97]),
        [""] * len(captions[5::101]),
        ["nothing here"] * len(captions[7::89]),
    )
    return rows.set_column(rows.schema.get_field_index("text"), "text", pa.array(captions))


def same_figures(ours: CurateReport, fresh: CurateReport) -> None:
    assert ours.counters == fresh.counters
    assert (ours.languages, ours.matches, ours.reserve_rows) == (fresh.languages, fresh.matches, fresh.reserve_rows)
