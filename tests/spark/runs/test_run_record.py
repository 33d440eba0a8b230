"""Tables and record that a run leaves: comments of columns, plain Delta features, and its row in `runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.curate import curate
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

TABLES = ("curated", "entry_counts", "size_curve", "runs")
CONFIG = CurateConfig(t=30.0)


def test_tables_and_record_of_a_run(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    report = curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    for name in TABLES:
        columns = spark.sql(f"DESCRIBE TABLE delta.`{tmp_path / name}`").collect()
        ours = [row for row in columns if row.col_name not in {"id", "image_url", "text", "width", "uid"}]
        assert [row.col_name for row in ours if not row.comment] == [], name
        detail = spark.sql(f"DESCRIBE DETAIL delta.`{tmp_path / name}`").collect()[0]
        assert (detail.minReaderVersion, detail.minWriterVersion) <= (1, 2), name
    (run,) = spark.read.format("delta").load(str(tmp_path / "runs")).where("stage = 'curate'").collect()
    assert (run.run_id, run.parent_run_id, run.status) == (report.run_id, report.counts_version, "finished")
    assert run.counters == report.counters
    assert run.t == {"en": CONFIG.t}
    assert (run.expected_size, run.expected_deviation) == (report.expected_size, report.expected_deviation)
    assert Tables(spark, str(tmp_path)).writer("curated") == run.run_id
    newest = spark.read.format("delta").option("versionAsOf", run.output_versions["curated"])
    assert newest.load(str(tmp_path / "curated")).count() == run.counters["kept"]
