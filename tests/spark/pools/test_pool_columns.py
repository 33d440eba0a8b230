"""Columns of the pool, which are carried through unchanged."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import made_up_captions, pool_at

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import MetaclipSparkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.curation import TextsPerImage
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

GOOD = {"id": pa.array([1, 2]), "text": pa.array(["w1", "w2"]), "url": pa.array(["a", "b"])}
BY_ID = PoolColumns(uid="id")

ROWS = 60
KEEP_ALL = 1e9
NTZ = "spark.sql.parquet.inferTimestampNTZ.enabled"
LARGE = "spark.sql.execution.arrow.useLargeVarTypes"
UTC = dt.UTC
NESTED = pa.struct(
    [("a", pa.list_(pa.struct([("b", pa.int16()), ("c", pa.string())]))), ("d", pa.map_(pa.string(), pa.int64()))]
)
CARRIED: dict[str, tuple[pa.DataType, Any]] = {
    "nested": (NESTED, lambda n: {"a": [{"b": n, "c": None}] * (n % 3), "d": [(f"k{n}", n)]} if n % 5 else None),
    "lists": (pa.list_(pa.list_(pa.float64())), lambda n: [[n / 3], None, []] if n % 4 else None),
    "a_map": (pa.map_(pa.string(), pa.list_(pa.int8())), lambda n: [("x", [n]), ("y", None)]),
    "decimal": (pa.decimal128(38, 18), lambda n: Decimal(n).scaleb(-18) if n % 2 else None),
    "date": (pa.date32(), lambda n: dt.date(1900 + n, 1, 1)),
    "instant": (pa.timestamp("us", "UTC"), lambda n: dt.datetime(2024, 3, 31, 1, 30, 0, n, tzinfo=UTC)),
    "wall_clock": (pa.timestamp("us"), lambda n: dt.datetime(2024, 3, 31, 2, 30, 0, n)),  # noqa: DTZ001 - has no zone
    "raw": (pa.binary(), lambda n: bytes([n, 0, 255]) if n % 3 else b""),
    "flag": (pa.bool_(), lambda n: (True, False, None)[n % 3]),
    "tiny": (pa.int8(), lambda n: n - 30),
    "small": (pa.int16(), lambda n: -n),
    "single": (pa.float32(), lambda n: n / 4),
    "real": (pa.float64(), lambda n: (float("inf"), -0.0, 0.1, None)[n % 4]),
    "words": (pa.string(), lambda n: "naïve 🐱 \x00" * (n % 3)),
    "nullable": (pa.int64(), lambda _: None),
    "größe-€": (pa.int32(), lambda n: n),
}


def every_type() -> pa.Table:
    columns = {name: pa.array([value(n) for n in range(ROWS)], kind) for name, (kind, value) in CARRIED.items()}
    identity = {
        "key": pa.array([f"row {n}" for n in range(ROWS)]),
        "text": pa.array([f"w1 {caption}" for caption in made_up_captions(ROWS)]),
        "image_url": pa.array([f"https://example.org/{n}" for n in range(ROWS)]),
    }
    return pa.table(identity | columns)


@pytest.mark.parametrize("texts", ["all_pairs", "one_text_per_image"])
@pytest.mark.parametrize("large", ["false", "true"], ids=["ordinary", "large variable types"])
def test_every_type_is_carried(
    spark: SparkSession,
    metadata: CompiledMetadata,
    change_settings: Callable[[dict[str, str]], None],
    tmp_path: Path,
    texts: TextsPerImage,
    large: str,
) -> None:
    table = every_type()
    pq.write_table(table, tmp_path / "pool.parquet")
    change_settings({LARGE: large, NTZ: "false", "spark.sql.session.timeZone": "America/Los_Angeles"})
    pool = pool_at(tmp_path / "pool.parquet", PoolColumns(uid="key", image_url="image_url"))
    config = CurateConfig(t=KEEP_ALL, texts_per_image=texts)
    report = curate(spark, pool, metadata, str(tmp_path / "out"), config)
    assert report.counters["kept"] == ROWS
    change_settings({LARGE: "false"})
    before = spark.read.parquet(str(tmp_path / "pool.parquet"))
    after = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    carried = {field.name: field.dataType for field in before.schema if field.name not in {"key", "text", "image_url"}}
    assert {name: after.schema[name].dataType for name in carried} == carried
    assert after.columns[: len(before.columns)] == ["uid", *before.columns[1:]]
    names = ["text", "image_url", *carried]
    assert sorted_rows(after, "uid", names) == sorted_rows(before, "key", names)


def sorted_rows(table: DataFrame, key: str, names: list[str]) -> list[str]:
    rows = table.select(key, *(f"`{name.replace('`', '``')}`" for name in names)).toArrow().to_pylist()
    return sorted(repr(tuple(row.values())) for row in rows)  # repr tells -0.0 from 0.0


def test_partitioned_folder(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    rows = made_up_captions(ROWS)
    for day in ("2024-01-01", "2024-01-02"):
        for part in ("00001", "00002"):
            folder = tmp_path / "pool" / f"day={day}" / f"part={part}"
            folder.mkdir(parents=True)
            table = pa.table({"id": [f"{day} {part} {n}" for n in range(ROWS)], "text": [f"w1 {row}" for row in rows]})
            pq.write_table(table, folder / "file.parquet")
    (tmp_path / "pool" / "_SUCCESS").touch()
    pool = pool_at(tmp_path / "pool", PoolColumns(uid="id"))
    curate(spark, pool, metadata, str(tmp_path / "out"), CurateConfig(t=KEEP_ALL))
    curated = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    found = curated.groupBy("day", "part").count().collect()
    # Values keep their text: neither a date, nor a number.
    assert {(row.day, row.part): row["count"] for row in found} == {
        (day, part): ROWS for day in ("2024-01-01", "2024-01-02") for part in ("00001", "00002")
    }


def test_columns_that_some_files_lack(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    """No column is lost, whichever file Spark reads first; captions of a file without them count as null."""
    (tmp_path / "pool").mkdir()
    files = {
        "a": {"id": [1, 2], "text": ["w1", "w2"]},
        "b": {"id": [3, 4], "width": [30, 40], "text": ["w3", "w4"]},
        "c": {"id": [5], "height": [50]},
    }
    for name, columns in files.items():
        pq.write_table(pa.table(columns), tmp_path / "pool" / f"{name}.parquet")
    report = curate(spark, pool_at(tmp_path / "pool", BY_ID), metadata, str(tmp_path / "out"), CurateConfig(t=KEEP_ALL))
    rows = spark.read.format("delta").load(str(tmp_path / "out" / "curated")).orderBy("uid")
    found = [(row.uid, row.width, row.height) for row in rows.collect()]
    assert found == [(1, None, None), (2, None, None), (3, 30, None), (4, 40, None)]
    assert (report.counters["read"], report.counters["null"]) == (5, 1)


def test_tables_inside_the_pool_are_an_error(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    pq.write_table(pa.table(GOOD), tmp_path / "file.parquet")
    with pytest.raises(MetaclipSparkError, match="lies in the pool"):
        curate(spark, pool_at(tmp_path, BY_ID), metadata, str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["file.parquet"]


def test_columns_with_a_meaning_can_have_any_name(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    names = {"id": "a.b c", "text": "a`b;", "url": "(url)"}
    pq.write_table(pa.table({names[name]: values for name, values in GOOD.items()}), tmp_path / "file.parquet")
    columns = PoolColumns(uid=names["id"], text=names["text"], image_url=names["url"])
    curate(spark, pool_at(tmp_path / "file.parquet", columns), metadata, str(tmp_path / "out"))
    rows = spark.read.format("delta").load(str(tmp_path / "out" / "curated")).select("uid", "text", "image_url")
    assert sorted(map(tuple, rows.collect())) == [(1, "w1", "a"), (2, "w2", "b")]


def test_version_of_a_delta_pool(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    path = tmp_path / "pool"
    for mode, text in (("overwrite", "w1 w2"), ("append", "w3"), ("append", "w4")):
        rows = spark.createDataFrame([(f"{text} {n}", text) for n in range(10)], "id string, text string")
        rows.write.format("delta").mode(mode).save(str(path))
    columns = PoolColumns(uid="id")
    read = {}
    for version in (0, 1, None):
        pool = pool_at(path, columns, format="delta", version=version)
        read[version] = curate(spark, pool, metadata, str(tmp_path / f"out{version}"), CurateConfig(t=KEEP_ALL))
    assert [report.counters["read"] for report in read.values()] == [10, 20, 30]
    # The newest version by number is the same run, and stays it when the table grows.
    same = pool_at(path, columns, format="delta", version=2)
    rows.write.format("delta").mode("append").save(str(path))
    again = curate(spark, same, metadata, str(tmp_path / "outNone"), CurateConfig(t=KEEP_ALL))
    assert again.already_finished
    assert again.run_id == read[None].run_id
