"""Tests that a curated table that something else changed does not pass the check."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pools import made_up_table, pool_at, write_files

from metaclip_spark import CurateConfig, append, check, curate, rebalance
from metaclip_spark.cli import main
from metaclip_spark.errors import ConsistencyError, TableError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


def test_a_table_is_compared_with_its_run(
    spark: SparkSession,
    metadata: CompiledMetadata,
    small_pool: Pool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = str(tmp_path / "out")
    report = curate(spark, replace(small_pool, name="first"), metadata, output, CurateConfig(t=20))
    found = check(spark, output, pool_name="first", min_rows=100)
    assert found.rows == found.rows_by_pool["first"] == report.counters["kept"]
    assert (found.run_id, found.version) == (report.run_id, report.output_versions["curated"])

    assert main(["check", "--tables", output, "--pool-name", "second", "--min-rows", "99999", "--json"]) == 7
    said = capsys.readouterr().err
    assert f"the table has {found.rows} rows, but the minimum is 99999; pool 'second' has 0 rows" in said
    assert main(["check", "--tables", output, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(check(spark, output).as_dict()))

    # A rebalance does not read all rows, so it has no expected size.
    again = rebalance(spark, output, 10.0)
    found = check(spark, output)
    assert (found.rows, found.expected_size) == (again.counters["kept"], None)
    assert main(["check", "--tables", output]) == 0
    assert "expected  unknown: rows dropped by earlier runs were not read again" in capsys.readouterr().out

    curated = spark.read.format("delta").load(f"{output}/curated")
    rows = curated.limit(2).collect()
    foreign = [rows[0].asDict() | {"draw": None}, rows[1].asDict() | {"admission_threshold": 21.0}]
    spark.createDataFrame(foreign, curated.schema).write.format("delta").mode("append").save(f"{output}/curated")
    with pytest.raises(
        ConsistencyError, match=f"the table has {found.rows + 2} rows, but the run kept {found.rows}"
    ) as caught:
        check(spark, output)
    assert "rows with a null in a decision column: 1; rows above the t of their language: 1" in str(caught.value)


@pytest.mark.slow
def test_tables_without_an_expected_size_are_checked(
    spark: SparkSession,
    metadata: CompiledMetadata,
    small_pool: Pool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An append and a rebalance do not read all rows, so the size cannot be expected."""
    output = str(tmp_path / "out")
    second = pool_at(write_files(made_up_table(2_300).slice(2_000), tmp_path / "second"))
    assert curate(spark, small_pool, metadata, output, CurateConfig(target_size=1_400)).target_rows == 1_400
    for change in (lambda: append(spark, second, metadata, output), lambda: rebalance(spark, output, 10.0)):
        report = change()
        assert (report.expected_size, report.target_rows) == (None, None)
        found = check(spark, output)
        assert (found.run_id, found.rows, found.expected_size) == (report.run_id, report.counters["kept"], None)
    assert main(["check", "--tables", output]) == 0
    assert "expected  unknown" in capsys.readouterr().out

    for file in (tmp_path / "out" / "curated").glob("*.parquet"):
        file.unlink()
    with pytest.raises(TableError, match="A file of the tables in"):
        check(spark, output)


def test_rows_that_share_an_id_share_a_draw(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    """Either all rows or none are kept, and half of them are expected."""
    rows = pa.table({"id": [7] * 400, "image_url": ["u"] * 400, "text": ["w1"] * 400})
    pool = pool_at(write_files(rows, tmp_path / "pool"))
    for check_ids in (True, False):
        output = str(tmp_path / str(check_ids))
        report = curate(spark, pool, metadata, output, CurateConfig(t=200, check_ids=check_ids))
        assert report.counters["kept"] in {0, 400}
        if check_ids:
            assert check(spark, output, min_rows=0).rows == report.counters["kept"]
        else:
            with pytest.raises(
                ConsistencyError, match=r"200 ± 10 are expected \(the run did not check whether rows share ids"
            ):
                check(spark, output, min_rows=0)
