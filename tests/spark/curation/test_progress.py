"""Progress of a run: names of Spark's jobs, progress lines, and log events as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from pools import made_up_table, pool_at, write_files

from metaclip_spark import CurateConfig, append, curate, rebalance
from metaclip_spark.spark.progress import watched_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

STEPS = ["open", "count", "choose t", "balance", "record"]


def test_jobs_have_names_and_steps_have_lines(
    spark: SparkSession,
    metadata: CompiledMetadata,
    small_pool: Pool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = spark.sparkContext
    context.setLocalProperty("spark.job.description", "the user's own")
    with caplog.at_level(logging.INFO, logger="metaclip_spark"):
        report = curate(spark, replace(small_pool, name="seen"), metadata, str(tmp_path / "out"), CurateConfig(t=20))
    assert context.getLocalProperty("spark.job.description") == "the user's own"
    assert context.getLocalProperty("spark.jobGroup.id") is None
    context.setLocalProperty("spark.job.description", None)  # type: ignore[arg-type]

    jobs = context.statusTracker().getJobIdsForGroup("metaclip-spark curate")
    store = context._jsc.sc().statusStore()
    said = {store.job(job).description().get() for job in jobs}
    assert {
        "count the captions that match each entry (part 1)",
        "keep the captions of which an entry is sampled (part 2)",
    } <= {description.removeprefix("metaclip-spark curate: ") for description in said}

    lines = [json.loads(record.message) for record in caplog.records if record.name == "metaclip_spark"]
    assert all("time" in line for line in lines)
    assert [line["step"] for line in lines if "step" in line] == STEPS
    runs = [line for line in lines if "status" in line]
    assert [line["stage"] for line in runs] == ["count", "curate"]
    assert (runs[1]["run_id"], runs[1]["counters"]) == (report.run_id, report.counters)
    assert runs[1]["output_versions"] == {"curated": 0}


def test_long_steps_report_their_tasks(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metaclip_spark.runs.run.watched_tasks", partial(watched_tasks, seconds=0.02))
    table, out = made_up_table(600), str(tmp_path / "out")
    pools = [pool_at(write_files(part, tmp_path / str(n))) for n, part in enumerate((table[:400], table[400:]))]
    for run, steps in (
        (lambda say: curate(spark, pools[0], metadata, out, CurateConfig(t=20), progress=say), ["count", "balance"]),
        (lambda say: append(spark, pools[1], metadata, out, progress=say), ["count", "balance"]),
        (lambda say: rebalance(spark, out, 10.0, progress=say), ["balance"]),
    ):
        lines: list[str] = []
        run(lines.append)
        for step in steps:
            end = next(place for place, line in enumerate(lines) if line.startswith(step))
            assert "tasks done" in lines[end - 1], (step, lines)


def test_an_existing_job_group_is_kept(
    spark: SparkSession, metadata: CompiledMetadata, small_pool: Pool, tmp_path: Path
) -> None:
    context = spark.sparkContext
    context.setJobGroup("a cell", "of a notebook")
    try:
        curate(spark, small_pool, metadata, str(tmp_path / "out"), CurateConfig(t=20))
        assert context.getLocalProperty("spark.jobGroup.id") == "a cell"
        assert context.statusTracker().getJobIdsForGroup("a cell")
    finally:
        for name in ("spark.jobGroup.id", "spark.job.description"):
            context.setLocalProperty(name, None)  # type: ignore[arg-type]
