"""The same rows in other files, batches, formats and orders give the same tables, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from content_digest import content_digest
from pools import made_up_table, pool_at, write_files

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.curate import curate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import TextsPerImage
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

ROWS = 4_000
CONFIG = CurateConfig(t=60.0)
ONE_FILE_A_PARTITION = {"spark.sql.files.openCostInBytes": "134217728"}


@dataclass(frozen=True)
class Layout:
    """Storage and reading of the rows."""

    name: str
    files: int = 1
    format: str = "parquet"
    shuffled: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    texts: TextsPerImage = "all_pairs"
    slow: bool = False


LAYOUTS = [
    Layout("7 partitions", files=7, settings=ONE_FILE_A_PARTITION, slow=True),
    Layout("200 partitions", files=200, settings=ONE_FILE_A_PARTITION, slow=True),
    Layout("another order", shuffled=True, slow=True),
    Layout("batches of 3 rows", settings={"spark.sql.execution.arrow.maxRecordsPerBatch": "3"}),
    Layout("one batch", settings={"spark.sql.execution.arrow.maxRecordsPerBatch": "0"}, slow=True),
    Layout("Delta", files=3, format="delta", slow=True),
    Layout("large strings", settings={"spark.sql.execution.arrow.useLargeVarTypes": "true"}),
    Layout("no adaptive execution", files=3, settings={"spark.sql.adaptive.enabled": "false"}, slow=True),
    Layout(
        "files joined by Delta",
        files=7,
        settings={
            "spark.databricks.delta.optimizeWrite.enabled": "true",
            "spark.databricks.delta.autoCompact.enabled": "true",
            "spark.databricks.delta.autoCompact.minNumFiles": "2",
            **ONE_FILE_A_PARTITION,
        },
    ),
    Layout("one text, 7 partitions", files=7, texts="one_text_per_image", settings=ONE_FILE_A_PARTITION),
    Layout(
        "one text, large strings, 5 shuffle partitions",
        texts="one_text_per_image",
        slow=True,
        settings={
            "spark.sql.execution.arrow.useLargeVarTypes": "true",
            "spark.sql.shuffle.partitions": "5",
            "spark.sql.adaptive.enabled": "false",
        },
    ),
]


def results(spark: SparkSession, pool: Pool, metadata: CompiledMetadata, output: Path, texts: TextsPerImage) -> dict:
    report = curate(spark, pool, metadata, str(output), replace(CONFIG, texts_per_image=texts))
    tables = {
        name: content_digest(spark.read.format("delta").load(str(output / name)))
        for name in ("curated", "entry_counts", "size_curve")
    }
    figures = (report.counters, report.matches, report.expected_size, report.expected_deviation, report.languages)
    return {"figures": figures, **tables}


@pytest.fixture(scope="module")
def in_one_file(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("one")
    pool = pool_at(write_files(made_up_table(ROWS), folder / "pool"))
    found = {
        texts: results(spark, pool, metadata, folder / texts, texts) for texts in ("all_pairs", "one_text_per_image")
    }
    assert 500 < found["one_text_per_image"]["curated"].rows < found["all_pairs"]["curated"].rows < ROWS
    return found


@pytest.mark.parametrize(
    "layout",
    [pytest.param(layout, marks=pytest.mark.slow if layout.slow else (), id=layout.name) for layout in LAYOUTS],
)
def test_layout_changes_nothing(
    spark: SparkSession,
    metadata: CompiledMetadata,
    in_one_file: dict[str, dict],
    change_settings: Callable[[dict[str, str]], None],
    tmp_path: Path,
    layout: Layout,
) -> None:
    table = made_up_table(ROWS)
    if layout.shuffled:
        table = table.take(pa.array(np.random.default_rng(5).permutation(ROWS)))
    path = write_files(table, tmp_path / "files", layout.files)
    if layout.format == "delta":
        spark.read.parquet(str(path)).repartition(layout.files).write.format("delta").save(str(tmp_path / "delta"))
        path = tmp_path / "delta"
    change_settings(layout.settings)
    pool = pool_at(path, format=layout.format)
    if ONE_FILE_A_PARTITION.items() <= layout.settings.items():
        assert spark.read.parquet(str(path)).rdd.getNumPartitions() == layout.files
    assert results(spark, pool, metadata, tmp_path / "out", layout.texts) == in_one_file[layout.texts]


def test_the_digest_distinguishes_tables(spark: SparkSession) -> None:
    rows = [(1, "a", [1, 2], 0.1), (2, "b", [], 0.2), (2, "b", [], 0.2), (3, None, None, None)]
    schema = "n int, text string, ids array<int>, q double"
    whole = content_digest(spark.createDataFrame(rows, schema))
    assert content_digest(spark.createDataFrame(rows[::-1], schema).repartition(3)) == whole
    assert whole.rows == 4
    others = [
        rows[:3],
        [*rows, rows[0]],
        [(1, "a", [2, 1], 0.1), *rows[1:]],
        [(1, "a", [1, 2], float(np.nextafter(0.1, 1))), *rows[1:]],
        [rows[0], rows[0], rows[2], rows[3]],
        [(1, None, [1, 2], 0.1), *rows[1:]],
    ]
    digests = [whole, *(content_digest(spark.createDataFrame(other, schema)) for other in others)]
    assert len({digest.sum for digest in digests}) == len({digest.sha256 for digest in digests}) == len(digests)
