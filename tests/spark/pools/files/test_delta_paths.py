"""Delta tables given as files: read as tables, or refused where they are a part of the pool or have another format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.errors import InputError, MetaclipSparkWarning
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.spark.session_features import WITHOUT_CONTEXT

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

BY_ID = PoolColumns(uid="id")


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables with one row each and a removed one, a table in a partition folder, and a Parquet file."""
    folder = tmp_path_factory.mktemp("delta")
    for name in ("t", "u, v", "parts/k=1"):
        for number in (1, 2):
            rows = spark.createDataFrame([(f"{name}{number}", "w1", "en")], "id string, text string, language string")
            rows.write.format("delta").mode("overwrite").partitionBy("language").save(str(folder / name))
    (folder / "plain").mkdir()
    pq.write_table(pa.table({"id": ["plain"], "text": ["w1"]}), folder / "plain" / "a.parquet")
    return folder


@pytest.mark.parametrize("context", ["", "1"], ids=["", "without a context"])
@pytest.mark.parametrize(
    "names", [["t"], ["t/"], ["t", "u, v"], ["u, v", "parts/k=1"]], ids=["one", "slash", "two", "below"]
)
def test_read_as_delta(
    names: list[str], context: str, spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WITHOUT_CONTEXT, context)
    pool = pool_at([f"{folder}/{name}" for name in names], BY_ID)  # type: ignore[list-item]
    with pytest.warns(MetaclipSparkWarning, match=r"is read as Delta \(--format delta\)"):
        opened = open_pool(spark, pool)
    assert sorted(row.uid for row in opened.rows.select("uid").collect()) == sorted(
        f"{one.rstrip('/')}2" for one in names
    )
    assert opened.source.description["format"] == "delta"
    assert opened.source.pinned


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["t"], {"format": "csv"}, "t is a Delta table, not csv. Pass --pool"),
        (["t"], {"format": "json"}, "not json"),
        (["u, v"], {"format": "tsv"}, "/u, v' --format delta"),
        (["t/language=en"], {}, "/t --format delta"),
        (["t/language=*"], {}, "files of the Delta table"),
        (["t/language=en/*.parquet"], {}, "files of the Delta table"),
        (["t/_delta_log"], {"format": "json"}, "/t --format delta"),
        (["?"], {}, "Name the folder of each table"),
        (["t", "plain"], {}, "/t --format delta"),
        (["parts"], {}, "parts/k=1 --format delta"),
        (["parts/k=1/language=en"], {"skip_unreadable_files": True}, "parts/k=1 --format delta"),
        (["."], {}, "files of the Delta table"),
    ],
)
def test_refused(names: list[str], options: dict[str, Any], says: str, spark: SparkSession, folder: Path) -> None:
    pool = pool_at([folder / name for name in names], BY_ID, **options)
    with pytest.raises(InputError) as caught:
        open_pool(spark, pool)
    assert says in str(caught.value)


def test_one_file(spark: SparkSession, folder: Path) -> None:
    for file in (folder / "t").rglob("*.parquet"):
        with pytest.raises(InputError, match="files of the Delta table"):
            open_pool(spark, pool_at(file, BY_ID))
