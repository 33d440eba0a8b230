"""Malformed records of text pools: they are counted, one is shown, and no command takes them for rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pools import made_up_table, pool_at, write_files

from metaclip_spark import append, dry_run, estimate, explain_uid, rebalance
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import InputError, MetaclipSparkWarning, TableError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


@dataclass(frozen=True)
class Records:
    """Text with malformed records."""

    name: str
    form: str
    content: bytes
    texts: list[bytes | None]
    malformed: int
    null: int = 0
    options: dict[str, Any] = field(default_factory=dict)


RECORDS = [
    Records(
        "csv",
        "csv",
        b"\xef\xbb\xbfid,text\r\n"
        b'1,"w1, ""w2"""\r\n'
        b'2,"w1 is not closed\r\n'
        b"w1 has no id\r\n"
        b"4,w1,one too many\r\n"
        b"\r\n"
        b'5,""\r\n'
        b"6,\r\n"
        b"id,text\r\n"
        b"7,w1 \xff\xed\xa0\x80\r\n"
        b"8,w1 \x00\r\n"
        b'9,"x" w1\r\n'
        b'10,w1 5" \\" pipe\r\n'
        b"11, w1 \r\n"
        b"12,\xef\xbf\xbf w1\r\n"
        b"13,w1 \xe2\x80\xa8 w1",
        [
            b'w1, "w2"',
            "w1 \ufffd\ufffd".encode(),
            b"w1 \0",
            b'"x" w1',
            b'w1 5" \\" pipe',
            b" w1 ",
            "w1 \u2028 w1".encode(),
        ],
        malformed=5,
        null=2,
    ),
    Records(
        "csv of many lines",
        "csv",
        b'id,text\n1,"w1\nw2"\n2,w1\n3\n4,w1,x\n5,\n',
        [b"w1\nw2", b"w1"],
        malformed=2,
        null=1,
        options={"multiline": True},
    ),
    Records(
        "tsv",
        "tsv",
        b'id\ttext\n1\t"x w1\n2\tw1 \xff\xed\xa0\x80\n3\tw1\tmore\n4\n\n5\t\n6\tw1 \x00\n7\tw1 \\t \r\n',
        [b'"x w1', "w1 \ufffd\ufffd".encode(), b"w1 \0", b"w1 \\t "],
        malformed=2,
        null=1,
    ),
    Records(
        "json",
        "json",
        b'\xef\xbb\xbf{"id":"1","text":"w1 \\u0000"}\r\n'
        b'{"id":"2","text":"w1 \\ud800"}\n'
        b'{"id":"3","text":"w1 \\ud83d\\udc31"}\n'
        b'{"id":"4","text":"w1 \xff\xed\xa0\x80"}\n'
        b'{"id":"5","text":"w1"}{"id":"6","text":"w1"}\n'
        b'{"id":"7","text":"w1"} rest\n'
        b'{"id":"8","text":"w1\n'
        b'{"id":"9","text":"w1\tw2"}\n'
        b'[{"id":"10","text":"w1"}]\n'
        b'null\n"w1"\n7\n \t\n\n'
        b'{"id":"11"}\n'
        b'{"id":"12","text":null}\n'
        b'{"id":"13","text":"w1 of \\"13\\"","more":{"a":[1]}}\n'
        b'{"id":"14","text":"w1","text":"w1 again"}\n',
        [b"w1 \0", b"w1 ?", "w1 \U0001f431".encode(), "w1 \ufffd\ufffd".encode(), b'w1 of "13"', b"w1 again"],
        malformed=8,
        null=2,
    ),
    Records(
        "json of a schema",
        "json",
        b'{"id":1,"text":"w1"}\n{"id":"x","text":"w1"}\n{"id":3,"text":"w1 x","more":1}\n{"id":4.5,"text":"w1"}\n',
        [b"w1", b"w1 x"],
        malformed=2,
        options={"schema": "id long, text string"},
    ),
]


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case.name)
def test_malformed_records_are_counted(
    case: Records, spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    (tmp_path / "pool").write_bytes(case.content)
    pool = pool_at(tmp_path / "pool", PoolColumns(uid="id"), format=case.form, **case.options)
    with pytest.warns(MetaclipSparkWarning, match=f"^{case.malformed} of .* for example "):
        report = curate(spark, pool, metadata, str(tmp_path / "out"), CurateConfig(t=1e9))
    curated = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    found = [bytes(row[0]) for row in curated.select(curated.text.cast("binary")).collect()]
    assert sorted(found) == sorted(case.texts)
    counters = report.counters
    assert (counters["malformed"], counters["null"]) == (case.malformed, case.null), counters
    assert counters["kept"] == len(case.texts)
    assert 2 * counters["read"] == sum(counters.values())
    assert len(report.warnings) == 1


@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
def test_an_unclosed_quote_swallows_lines_of_multiline_records(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """Up to the next quote, or the end of the file.

    No reader can tell the records that are lost from a long field, so none is malformed.
    """
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "next quote").write_bytes(b'id,text\n1,w1\n2,"w2\n3,w3\n4,"w4"\n5,w5\n')
    (tmp_path / "pool" / "end of the file").write_bytes(b'id,text\n6,w6\n7,"w7\n8,w8\n9,w9\n')
    pool = pool_at(tmp_path / "pool", PoolColumns(uid="id"), format="csv", multiline=True)
    report = curate(spark, pool, metadata, str(tmp_path / "out"), CurateConfig(t=1e9))
    curated = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    found = sorted(bytes(row[0]) for row in curated.select(curated.text.cast("binary")).collect())
    assert found == [b'"w2\n3,w3\n4,"w4"', b"w1", b"w5", b"w6", b"w7\n8,w8\n9,w9\n"]
    assert report.counters["malformed"] == 0


@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
def test_estimate_and_explanations_of_a_pool_with_malformed_records(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """The other commands that read a pool leave out the same records, and count them alike."""
    rows = [f"{number},w{number % 7},x" if number % 10 == 0 else f"{number},w{number % 7}" for number in range(2_000)]
    (tmp_path / "pool.csv").write_text("\n".join(["id,their text", *rows, ""]))
    columns = PoolColumns(uid="id", text="their text")
    pool = pool_at(tmp_path / "pool.csv", columns, format="csv")
    config = CurateConfig(keep_share=0.5)
    report = curate(spark, pool, metadata, str(tmp_path / "out"), config)
    assert (report.counters["read"], report.counters["malformed"], report.counters["kept"]) == (2_000, 200, 1_000)
    estimated = estimate(spark, pool, metadata, 0.3, config)
    assert (estimated.read, estimated.malformed, estimated.target_rows) == (2_000, 200, 1_000)
    assert estimated.matched.low <= report.matched <= estimated.matched.high
    assert "200 of 2000 records cannot be read as csv" in estimated.warnings[0]
    assert dry_run(spark, pool, metadata, str(tmp_path / "out"), config).state == "already finished"
    kept = spark.read.format("delta").load(str(tmp_path / "out" / "curated"))
    uids = {row.uid for row in kept.select("uid").collect()}
    dropped = next(str(number) for number in range(2_000) if number % 10 and str(number) not in uids)
    assert explain_uid(spark, str(tmp_path / "out"), dropped, metadata).verdict == "not_drawn"
    with pytest.raises(InputError, match="Neither the curated table nor the pool"):
        explain_uid(spark, str(tmp_path / "out"), "10", metadata)


@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.slow
def test_a_text_pool_joins_a_parquet_pool(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An append by options and a rebalance give the result of one run over all rows."""
    made_up = made_up_table(900)
    table = pa.table({name: made_up[name].cast("string") for name in ("id", "text", "width")})
    columns, config = PoolColumns(uid="id"), CurateConfig(t=20.0)
    first = pool_at(write_files(table.slice(0, 600), tmp_path / "first"), columns)
    whole = pool_at(write_files(table, tmp_path / "all"), columns)
    lines = [f'{row["id"]},"{row["text"]}",{row["width"]}' for row in table.slice(600).to_pylist()]
    (tmp_path / "second.csv").write_text("\n".join(["id,text,w idth", *lines, "too few", "too,many,by,one", ""]))
    (tmp_path / "entries").write_bytes(artifact_to_bytes(metadata))
    out = tmp_path / "out"
    curate(spark, first, metadata, str(out), config)
    options = ["--pool", str(tmp_path / "second.csv"), "--format", "csv", "--id-column", "id"]
    places = ["--metadata", str(tmp_path / "entries"), "--tables", str(out), "--json"]
    assert main(["append", *options, "--rename", "w idth=width", *places]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "2 of 302 records cannot be read as csv" in report["warnings"][0]
    second = pool_at(tmp_path / "second.csv", columns, format="csv", rename={"w idth": "width"})
    again = append(spark, second, metadata, str(out))
    assert (again.already_finished, again.run_id) == (True, report["run_id"])
    with pytest.raises(TableError, match="part of the curated table already"):
        append(spark, replace(second, rename={"w idth": "wide"}), metadata, str(out))

    fresh = curate(spark, whole, metadata, str(tmp_path / "whole"), config)
    assert report["counters"] == fresh.counters | {"read": 902, "malformed": 2}
    assert curated(spark, out) == curated(spark, tmp_path / "whole")
    # Beyond what is stored, both pools are read again.
    counters = rebalance(spark, str(out), 1e6, metadata).counters
    assert (counters["read"], counters["malformed"], counters["not_drawn"]) == (902, 2, 0)
    assert counters["kept"] == fresh.matched == len(curated(spark, out))


def curated(spark: SparkSession, root: Path) -> list[Any]:
    """Return rows without the columns that name run and pool."""
    rows = spark.read.format("delta").load(str(root / "curated")).drop("run_id", "counts_version", "pool_name")
    return sorted(map(tuple, rows.select(*sorted(rows.columns)).drop("metadata_digest").collect()), key=str)
