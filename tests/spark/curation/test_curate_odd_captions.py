"""Unusual captions in one pool: huge, full of punctuation, with zero bytes, with invalid UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.curate import curate

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import TextsPerImage

pytestmark = pytest.mark.spark

MEGABYTE = 2**20
MANY = [f"e{number}" for number in range(1_000)]
ENTRIES = ["cat", "a", *MANY, "a a", "na\u00efve"]

# name, caption, matching entries
CAPTIONS: list[tuple[str, bytes, list[str]]] = [
    ("ten megabytes of one word", b"x" * 10 * MEGABYTE, []),
    ("ten megabytes of letters and an entry at the end", b"x" * 10 * MEGABYTE + b" cat", ["cat"]),
    ("ten megabytes of marks", b"," * 10 * MEGABYTE, []),
    ("an entry between two megabytes of spaces", b" " * MEGABYTE + b"cat" + b" " * MEGABYTE, ["cat"]),
    ("100,000 tokens", b"a " * 50_000 + b"dog " * 49_999 + b"cat", ["cat", "a", "a a"]),
    ("1,000 entries", " ".join(MANY).encode(), MANY),
    ("1,000 entries, each twice, the other way round", ",".join([*MANY, *MANY][::-1]).encode(), MANY),
    ("zero bytes", b"\0 cat \0", ["cat"]),
    ("a zero byte within a word", b"c\0at a", ["a"]),
    ("a byte that UTF-8 never has", b"cat \xff", ["cat"]),
    ("a word of such bytes", b"\xff\xfe\xc0", []),
    ("a character that is cut", b"a na\xc3", ["a"]),
    ("a cut character before a mark", b"\xe4\xb8,cat", ["cat"]),
    ("an encoded surrogate", b"\xed\xa0\x80 cat", ["cat"]),
    ("an overlong space is no space", b"a\xc0\xa0cat", []),
    ("an emoji of four bytes", "\U0001f431 na\u00efve".encode(), ["na\u00efve"]),
    ("all bytes but letters", bytes(range(65)), []),
]


@pytest.mark.parametrize("texts", ["all_pairs", "one_text_per_image"])
@pytest.mark.parametrize("kind", [pa.binary(), pa.string()], ids=str)
def test_odd_captions(spark: SparkSession, tmp_path: Path, kind: pa.DataType, texts: TextsPerImage) -> None:
    captions = pa.array([caption for _, caption, _ in CAPTIONS], pa.binary()).view(kind)
    table = pa.table({"n": range(len(CAPTIONS)), "text": captions, "url": [f"u{n}" for n in range(len(CAPTIONS))]})
    pq.write_table(table, tmp_path / "pool.parquet")
    pool = pool_at(tmp_path / "pool.parquet", PoolColumns(uid=None, image_url="url"))
    config = CurateConfig(t=1e9, texts_per_image=texts)
    report = curate(spark, pool, compile_metadata(ENTRIES), str(tmp_path / "out"), config)
    curated = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    rows = curated.select("n", "matched_entries", curated.text.cast("binary").alias("text")).toArrow().to_pylist()
    found = {CAPTIONS[row["n"]][0]: [ENTRIES[entry] for entry in row["matched_entries"]] for row in rows}
    in_order = {name: sorted(entries, key=ENTRIES.index) for name, _, entries in CAPTIONS if entries}
    assert found == in_order
    assert all(row["text"] == CAPTIONS[row["n"]][1] for row in rows)
    assert report.matches == sum(len(entries) for _, _, entries in CAPTIONS)
    assert report.counters["unmatched"] == len(CAPTIONS) - len(in_order)
