"""Captions that are lists: one row per text, whose position is part of its identity."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.core.derived_ids import derived_uid
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.pools.open_pool import open_pool

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

BY_URL = PoolColumns(image_url="url")
LISTS = {
    "id": [1, 2, 3, 4],
    "url": [f"http://x/{number}" for number in range(4)],
    "text": [["w1", "w2", "w1"], ["w3", None], [], None],
}
KEEP_ALL = CurateConfig(t=1e9)


def pool_of_lists(spark: SparkSession, folder: Path, form: str, columns: PoolColumns = BY_URL) -> Pool:
    path = folder / form
    if form == "parquet":
        kinds = pa.schema([("id", pa.int64()), ("url", pa.string()), ("text", pa.list_(pa.string()))])
        pq.write_table(pa.table(LISTS, schema=kinds), path)
    elif form == "delta":
        rows = list(zip(*LISTS.values(), strict=True))
        spark.createDataFrame(rows, "id long, url string, text array<string>").write.format("delta").save(str(path))
    else:
        write_lines(path, [dict(zip(LISTS, row, strict=True)) for row in zip(*LISTS.values(), strict=True)])
    return pool_at(path, columns, format=form)


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.mark.parametrize("form", ["parquet", "delta", "json"])
def test_one_row_per_text(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, form: str) -> None:
    report = curate(spark, pool_of_lists(spark, tmp_path, form), metadata, str(tmp_path / "out"), KEEP_ALL)
    assert {name: report.counters[name] for name in ("read", "null", "kept")} == {"read": 7, "null": 3, "kept": 4}
    rows = spark.read.format("delta").load(str(tmp_path / "out" / "curated")).collect()
    texts = [("http://x/0", "w1", 0), ("http://x/0", "w2", 1), ("http://x/0", "w1", 2), ("http://x/1", "w3", 0)]
    assert sorted((row.uid, row.text) for row in rows) == sorted((derived_uid(*text), text[1]) for text in texts)


def test_position_joins_the_id(spark: SparkSession, tmp_path: Path) -> None:
    pool = pool_of_lists(spark, tmp_path, "parquet", PoolColumns(uid="id", image_url="url"))
    rows = open_pool(spark, pool).rows
    assert rows.columns == ["uid", "image_url", "text"]
    found = {row.uid: row.text for row in rows.collect()}
    assert found == {"1#0": "w1", "1#1": "w2", "1#2": "w1", "2#0": "w3", "2#1": None, "3#0": None, "4#0": None}


def test_one_text_per_image(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    pool = pool_of_lists(spark, tmp_path, "parquet")
    config = replace(KEEP_ALL, texts_per_image="one_text_per_image")
    report = curate(spark, pool, metadata, str(tmp_path / "out"), config)
    assert (report.counters["kept"], report.counters["not_chosen"]) == (2, 2)


def test_lists_are_appended_to_texts(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    texts = pa.table({"id": [9], "url": ["http://x/9"], "text": ["w4"]})
    pq.write_table(texts, tmp_path / "texts.parquet")
    root = str(tmp_path / "out")
    curate(spark, pool_at(tmp_path / "texts.parquet", BY_URL), metadata, root, KEEP_ALL)
    report = append(spark, pool_of_lists(spark, tmp_path, "parquet"), metadata, root)
    assert report.counters["kept"] == 5


MIXED = [
    {"url": "a", "text": ["w1", "w2"]},
    {"url": "b", "text": "w1"},
    {"url": "c", "text": {"en": "w1"}},
    {"url": "d", "text": "[w1] w2"},
    {"url": "e", "text": '["w1"]'},
    {"url": "f", "text": "{w1} w2"},
    {"url": "g", "text": 5},
    {"url": "h", "text": None},
]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, {"b", "d", "e", "f", "g", "h"}),
        ({"schema": "url string, text string"}, {"b", "d", "e", "f", "g", "h"}),
        ({"schema": "url string, text array<string>"}, {"a", "h"}),
    ],
    ids=["inferred", "declared as text", "declared as list"],
)
def test_lists_among_texts_are_malformed(
    spark: SparkSession, tmp_path: Path, options: dict[str, str], kept: set[str]
) -> None:
    opened = open_pool(spark, pool_at(write_lines(tmp_path / "a.json", MIXED), BY_URL, format="json", **options))
    assert {row.image_url for row in opened.rows.collect()} == kept
    assert opened.malformed is not None
    assert opened.malformed.count() == len(MIXED) - len(kept)


def test_lists_and_texts_in_parquet(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    pq.write_table(pa.table({"url": ["a"], "text": [["w1", "w2"]]}), tmp_path / "pool" / "1.parquet")
    pq.write_table(pa.table({"url": ["b"], "text": ["w3"]}), tmp_path / "pool" / "2.parquet")
    pool = pool_at(tmp_path / "pool", BY_URL)
    with pytest.raises(InputError, match="--cast 'text=array<string>'"):
        open_pool(spark, pool)
    rows = open_pool(spark, replace(pool, cast={"text": "array<string>"})).rows
    assert {(row.image_url, row.text) for row in rows.collect()} == {("a", "w1"), ("a", "w2"), ("b", "w3")}
    one = replace(pool, paths=(str(tmp_path / "pool" / "1.parquet"),), cast={"text": "string"})
    with pytest.raises(ConfigError, match="leave the cast out"):
        open_pool(spark, one)
