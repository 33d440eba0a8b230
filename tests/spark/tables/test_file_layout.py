"""Files of the curated table: their number follows from its size, and they are clustered on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from content_digest import content_digest
from pools import pool_at, write_files

from metaclip_spark import example
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.rebalance.rebalance import rebalance
from metaclip_spark.spark.session_features import parallelism

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

CONFIG = CurateConfig(t=8.0, seed=3)
FILLER_BYTES = 200


def files(spark: SparkSession, output: Path) -> list[tuple[float, float]]:
    """Return the minimum and maximum threshold of each file of the newest curated table."""
    found = []
    for name in spark.read.format("delta").load(str(output / "curated")).inputFiles():
        column = pq.read_table(name.removeprefix("file://"), columns=["admission_threshold"])["admission_threshold"]
        found.append((pc.min(column).as_py(), pc.max(column).as_py()))
    return found


@pytest.mark.slow
def test_small_files_are_joined_and_large_tables_clustered(
    spark: SparkSession,
    example_metadata: CompiledMetadata,
    change_settings: Callable[[dict[str, str]], None],
    tmp_path: Path,
) -> None:
    """16 files with one task each become one file per core; a smaller t skips clustered files of 1 MiB."""
    table = example.pool_table()
    filler = pa.array([f"{number:0{FILLER_BYTES}x}" for number in range(len(table))])
    pool = pool_at(
        write_files(table.append_column("filler", filler), tmp_path / "pool", files=16),
        PoolColumns(image_url="image_url"),
    )
    change_settings({"spark.sql.files.maxPartitionBytes": "1000000", "spark.sql.files.openCostInBytes": "900000"})
    spread, clustered = tmp_path / "spread", tmp_path / "clustered"
    plain = curate(spark, pool, example_metadata, str(spread), CONFIG)
    in_order = curate(spark, pool, example_metadata, str(clustered), replace(CONFIG, file_mib=1, cluster=True))
    assert len(files(spark, spread)) == 2
    assert plain.counters == in_order.counters
    digests = [content_digest(spark.read.format("delta").load(str(root / "curated"))) for root in (spread, clustered)]
    assert digests[0] == digests[1]

    ranges = files(spark, clustered)
    assert len(ranges) >= 3
    small_t = max(greatest for _, greatest in ranges) / 8
    assert len([least for least, _ in ranges if least <= small_t]) < len(ranges), ranges
    fewer = (
        spark.read.format("delta").load(str(clustered / "curated")).where(f"admission_threshold <= {small_t}").count()
    )
    assert rebalance(spark, str(clustered), small_t).counters["kept"] == fewer


@pytest.mark.parametrize("reserve", [None, 60.0], ids=["without a reserve", "with a reserve"])
@pytest.mark.slow
def test_no_task_of_an_append_writes_more_than_a_cores_share(
    spark: SparkSession,
    metadata: CompiledMetadata,
    change_settings: Callable[[dict[str, str]], None],
    tmp_path: Path,
    reserve: float | None,
) -> None:
    """All rows of two files are kept, and few of sixteen others: merging neighbours alone would be uneven."""
    rare = pa.table({"id": range(2_000), "text": [f"w{100 + number % 200}" for number in range(2_000)]})
    frequent = pa.table({"id": range(2_000, 8_000), "text": ["w1"] * 6_000})
    change_settings({"spark.sql.files.maxPartitionBytes": "100000", "spark.sql.files.openCostInBytes": "100000"})
    first, second = (
        pool_at(write_files(table, tmp_path / name, files=16), PoolColumns(uid="id"), name=name)
        for name, table in (("rare", rare), ("frequent", frequent))
    )
    out = tmp_path / "out"
    curate(spark, first, metadata, str(out), replace(CONFIG, t=50.0, reserve=reserve))
    report = append(spark, second, metadata, str(out))
    assert 2_000 < report.counters["kept"] < 2_200

    name = "reserve" if reserve else "curated"  # of a run with a reserve, the table that the pass itself writes
    log = spark.sql(f"DESCRIBE HISTORY delta.`{out}/{name}`").orderBy("version").collect()
    version = max(row.version for row in log if row.operation == "WRITE") - (1 if reserve else 0)
    written = spark.read.format("delta").option("versionAsOf", version).load(f"{out}/{name}")
    rows = sorted(row["count"] for row in written.groupBy("_metadata.file_path").count().collect())
    cores = parallelism(spark)
    assert len(rows) <= 2 * cores
    assert rows[-1] <= 1.1 * sum(rows) / cores, rows
