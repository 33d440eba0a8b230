"""Row groups that do not fit into the memory of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.pools import row_group_memory
from metaclip_spark.pools.row_group_memory import check_row_groups

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_wide_row_groups_are_refused(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["w1"] * 2, "jpg": [bytes(10_000)] * 2}), file, compression="none")
    rows = spark.read.parquet(file)
    check_row_groups(rows, [file])
    monkeypatch.setattr(row_group_memory, "_COPIES", 10**7)
    with pytest.raises(EnvironmentProblemError, match=r"0\.0 GB in the column\(s\) jpg.*--drop jpg.*--spark-conf"):
        check_row_groups(rows, [file])
    check_row_groups(rows.drop("jpg"), [file])
