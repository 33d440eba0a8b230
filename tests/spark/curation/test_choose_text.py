"""One text per image: rows without an image are counted and spread over all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.curation.choose_text import keep_one_text
from metaclip_spark.curation.gathered_statistics import statistics_of
from metaclip_spark.curation.keep_balanced import balance_on_executors
from metaclip_spark.spark.shared_metadata import SharedMetadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from metaclip_spark.core.balancing.statistics import BalanceStatistics
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.curation.gathered_statistics import Function

pytestmark = pytest.mark.spark

ROWS, TASKS = 4_000, 8


class Chosen:
    """Statistics that also keep the rows from which they are gathered."""

    def __init__(self, spark: SparkSession) -> None:
        self.rows: list[DataFrame] = []
        self._statistics = statistics_of(spark)

    def gather(self, rows: DataFrame, function: Function, schema: StructType) -> DataFrame:
        self.rows.append(rows)
        return self._statistics.gather(rows, function, schema)

    @property
    def value(self) -> BalanceStatistics:
        return self._statistics.value


@pytest.mark.parametrize(
    ("uid", "image_url"),
    [("NULL", "NULL"), ("id", "' '"), ("NULL", "'one url'")],
    ids=["neither id nor URL", "no URL", "no id"],
)
def test_a_caption_without_an_image_repeated_often_is_spread(
    spark: SparkSession,
    metadata: CompiledMetadata,
    change_settings: Callable[[dict[str, str]], None],
    uid: str,
    image_url: str,
) -> None:
    change_settings({"spark.sql.shuffle.partitions": str(TASKS), "spark.sql.adaptive.enabled": "false"})
    ids = spark.range(ROWS, numPartitions=2)
    alike = ids.selectExpr(f"cast({uid} AS string) AS uid", f"{image_url} AS image_url", "'w1' AS text")
    image = ids.limit(3).selectExpr("concat('of image ', id) AS uid", "'image' AS image_url", "'w1' AS text")
    chosen, counts = Chosen(spark), {"en": np.full(metadata.n_entries, 5, np.int64)}
    with (
        SharedMetadata(spark, {"en": metadata}) as shared,
        balance_on_executors(spark, counts, {"en": 10.0}, seed=3) as balance,
    ):
        kept = keep_one_text(alike.union(image), shared, balance, chosen).collect()
        by_task = chosen.rows[0].groupBy(F.spark_partition_id()).count().collect()
        figures = chosen.value["en"]
    assert [row.image_url for row in kept] == ["image"]
    assert (figures.no_identity, figures.matched, figures.kept) == (ROWS, ROWS + 1, 1)
    assert sum(row["count"] for row in by_task) == ROWS + 1
    assert max(row["count"] for row in by_task) < 1.5 * ROWS / TASKS, by_task
