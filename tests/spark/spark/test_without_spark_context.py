"""The code for sessions without a SparkContext, forced on a session that has one: exactly the same result.

Beside test_connect.py, as it takes a minute: pytest -m connect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from content_digest import content_digest
from pools import made_up_table, pool_at, write_files
from pyspark import SparkContext
from pyspark.sql.classic.dataframe import DataFrame

from metaclip_spark import CurateConfig, append, curate, estimate, rebalance
from metaclip_spark.spark.session_features import WITHOUT_CONTEXT, has_spark_context

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

CONFIGS = [
    CurateConfig(t=20),
    CurateConfig(target_size=700),
    CurateConfig(t=20, texts_per_image="one_text_per_image"),
]


@pytest.mark.slow
def test_the_same_tables_and_figures(
    spark: SparkSession,
    metadata: CompiledMetadata,
    small_pool: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = pool_at(write_files(made_up_table(2_500).slice(2_000), tmp_path / "second"))
    found = []
    for way in ("with", "without"):
        if way == "without":
            monkeypatch.setenv(WITHOUT_CONTEXT, "1")
            for name in ("broadcast", "accumulator"):
                monkeypatch.setattr(SparkContext, name, forbidden)
            monkeypatch.setattr(DataFrame, "rdd", property(forbidden))
        assert has_spark_context(spark) == (way == "with")
        estimated = estimate(spark, small_pool, metadata, 0.8, CONFIGS[0])
        ways = [replace(estimated, run_seconds=None, table_bytes=None, seconds={})]
        for number, config in enumerate(CONFIGS):
            output = tmp_path / way / str(number)
            report = curate(spark, small_pool, metadata, str(output), config)
            tables = [
                content_digest(spark.read.format("delta").load(path), without=())
                for name, path in report.tables.items()
                if name != "runs"
            ]
            ways.append((replace(report, seconds={}, tables={}), tables))
        root = str(tmp_path / way / "0")
        for report in (append(spark, second, metadata, root), rebalance(spark, root, 10.0)):
            rows = content_digest(spark.read.format("delta").load(f"{root}/curated"), without=())
            ways.append((replace(report, seconds={}, tables={}), rows))
        found.append(ways)
    assert found[0] == found[1]


def forbidden(*_: object) -> None:
    raise RuntimeError("only with a context")
