"""A compressed CSV pool with duplicated ids and renamed columns."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from pools import pool_at

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import MetaclipSparkWarning

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


def test_unsplittable_files_duplicated_ids_and_renamed_columns(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    content = (
        b"id,text,a b,run_id,left\n1,w1,x,y,z\n1,w2,x,y,z\n2,w1,x,y,z\n1,w3,x,y,z\n3,w1,x,y,z\n3,w1,x,y,z\n,w1,,,\n"
    )
    (tmp_path / "pool.csv.gz").write_bytes(gzip.compress(content))
    pool = pool_at(
        tmp_path / "pool.csv.gz",
        PoolColumns(uid="id"),
        format="csv",
        rename={"a b": "a_b", "run_id": "their_run"},
        drop=("left",),
    )
    with pytest.warns(MetaclipSparkWarning, match=r"1 of the 1 csv files are compressed .* one task reads each file"):
        report = curate(spark, pool, metadata, str(tmp_path / "out"), CurateConfig(t=1e9, check_ids=True))
    assert "cannot be split" in report.warnings[0]
    assert report.duplicated_ids == {"ids": 2, "rows": 5}
    assert report.counters["no_identity"] == 1
    curated = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    assert curated.columns[:4] == ["uid", "text", "a_b", "their_run"]
    assert "left" not in curated.columns
    draws = {(row.uid, row.draw) for row in curated.select("uid", "draw").collect()}
    assert len(draws) == 3, "rows of one id share a draw"
    # If a finished run did not check the ids, a repeated call with check_ids counts them.
    unchecked = curate(spark, pool, metadata, str(tmp_path / "again"), CurateConfig(t=1e9))
    assert unchecked.duplicated_ids is None
    checked = curate(spark, pool, metadata, str(tmp_path / "again"), CurateConfig(t=1e9, check_ids=True))
    assert checked.already_finished
    assert checked.duplicated_ids == {"ids": 2, "rows": 5}
