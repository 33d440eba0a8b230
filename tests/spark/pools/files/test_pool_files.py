"""What lies at a pool's paths: read as its owner means it, or refused by name before any work."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import pool_at

from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.errors import InputError
from metaclip_spark.pools.open_pool import open_pool
from metaclip_spark.spark.session_features import WITHOUT_CONTEXT

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.pools.open_pool import OpenPool

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")]

BY_ID = PoolColumns(uid="id")
LINES = b"id,text\n1,w1\n"
OBJECT = b'{"id": "1", "text": "w1"}\n'
GOOD, EMPTY, TORN, NO_ROWS, LINK, PIPE = "good", b"", "torn", "no rows", "link", "pipe"


def content(kind: str | bytes, identity: str) -> bytes:
    """Return bytes, or those of a Parquet file whose row has this id."""
    if isinstance(kind, bytes):
        return kind
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [identity], "text": ["w1"]})[: kind != NO_ROWS], sink)
    found = sink.getvalue().to_pybytes()
    return found[:-20] if kind == TORN else found


def make(folder: Path, files: dict[str, str | bytes]) -> None:
    """Make files; the id in each is its path."""
    for name, kind in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == LINK:
            path.symlink_to("/nowhere/file")
        elif kind == PIPE:
            os.mkfifo(path)
        else:
            path.write_bytes(content(kind, name))


@dataclass(frozen=True)
class Files:
    """Files by name, the paths that are named, and what is read (ids; None: the message of the error) or said."""

    name: str
    files: dict[str, str | bytes]
    read: list[str] | None = None
    says: tuple[str, ...] = ()
    paths: tuple[str, ...] = (".",)
    shown: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def sound(name: str, files: dict[str, str | bytes], read: list[str], **more: Any) -> Files:
    return Files(name, files, read, **more)


def refused(name: str, files: dict[str, str | bytes], *says: str, **more: Any) -> Files:
    return Files(name, files, says=says, **more)


CSV, TSV, JSON = ({"format": form} for form in ("csv", "tsv", "json"))
SKIP = {"skip_unreadable_files": True}
PARTS = {f"p/language={language}/shard={shard}/x": GOOD for language in ("en", "de") for shard in ("00001", "00002")}
EN = [name for name in PARTS if "=en" in name]
FIRST = [name for name in PARTS if "00001" in name]
HIDDEN, NOWHERE = "files or folders with hidden names (_ or .)", "links that lead nowhere"
LANGUAGE_AND_SHARD = ("language", "shard")

CASES = [
    # table formats
    refused("Iceberg", {"t/data/a": GOOD, "t/metadata/v1.metadata.json": b"{}"}, "t is an Iceberg table", paths=("t",)),
    refused("Iceberg, data", {"t/data/a": GOOD, "t/metadata/1.metadata.json": b""}, "t is an Ice", paths=("t/data",)),
    refused("Iceberg, below", {"t/x=1/metadata/1.metadata.json": b"", "t/a": GOOD}, "x=1 is an Iceberg", paths=("t",)),
    refused("Hudi", {"a.parquet": GOOD, ".hoodie/hoodie.properties": b""}, "is a Hudi table"),
    refused("Hudi, one file", {"t/a.parquet": GOOD, "t/.hoodie/x": b""}, "t is a Hudi", paths=("t/a.parquet",)),
    refused("Hudi, day", {"t/2024/01/a": GOOD, "t/.hoodie/x": b""}, "t is a Hudi", paths=("t/2024/01",)),
    sound("a folder called metadata", {"metadata/a.json": OBJECT, "p/a": GOOD}, ["p/a"], paths=("p",)),
    # left out by Spark
    refused("hidden, named", {"_a": GOOD, "b": GOOD}, "_a would not be read", "Rename", paths=("_a", "b")),
    refused("dotted, named", {".a.csv": LINES}, ".a.csv would not be read", paths=(".a.csv",), options=CSV),
    sound("a hidden folder, named", {"_p/a": GOOD}, ["_p/a"], paths=("_p",)),
    sound("hidden", {"_a.parquet": GOOD, ".b": b"", "c": GOOD, "_SUCCESS": b""}, ["c"], shown={HIDDEN: 2}),
    sound("hidden, by glob", {"_a": GOOD, "c": GOOD}, ["c"], paths=("*",), shown={HIDDEN: 1}),
    sound("a link to nowhere", {"a": LINK, "b": GOOD}, ["b"], shown={NOWHERE: 1}),
    refused("a link to nowhere, named", {"a": LINK, "b": GOOD}, "a is a link to /nowhere/file", paths=("a", "b")),
    refused("a pipe", {"a": PIPE, "b": GOOD}, "a is a pipe"),
    refused("a pipe, named", {"a": PIPE}, "neither a file nor a folder", paths=("a",)),
    refused("a folder named like a file", {"a.parquet/x": GOOD, "b.parquet": GOOD}, "1 of the 2 files", "subfolders"),
    # files of other kinds
    sound(
        "img2dataset",
        {"0.parquet": GOOD, "0.tar": b"x", "0_stats.json": b"{}", "1.parquet": GOOD, "1.tar": b"x"},
        ["0.parquet", "1.parquet"],
        shown={".json": 1, ".tar": 2},
    ),
    sound("others, any case", {"A.PARQUET": GOOD, "README.MD": b"x"}, ["A.PARQUET"], shown={".md": 1}),
    sound("others, CSV", {"a.CSV.gz": gzip.compress(LINES), "a.md": b"x"}, ["1"], shown={".md": 1}, options=CSV),
    sound("others, JSON", {"a.jsonl": OBJECT, "a.parquet": GOOD}, ["1"], shown={".parquet": 1}, options=JSON),
    sound("others, and one named", {"p/a.parquet": GOOD, "p/a.tar": b"x", "{b},.dat": GOOD},
          ["p/a.parquet", "{b},.dat"], paths=("p", r"\{b\},.dat"), shown={".tar": 1}) ,
    sound("another suffix, named", {"a.tar": GOOD, "b.json": GOOD}, ["a.tar", "b.json"], paths=("a.tar", "b.json")),
    sound("no suffix", {"part-0": GOOD, "part-1": GOOD}, ["part-0", "part-1"]),
    refused("no suffix beside others", {"part-0": GOOD, "a.md": b"x"}, "1 .md", "--pool", "/part-*"),
    refused("unknown beside others", {"a.parquet": GOOD, "x": b"x", "a.md": b"x"}, "1 .md", "/*.parquet'"),
    refused("only others", {"a.jsonl": OBJECT, "b.jsonl": OBJECT}, "but 2 .jsonl", "Pass --format json"),
    refused("only others, CSV", {"a.zip": b"x"}, "has no csv files, but 1 .zip", options=CSV),
    # unreadable Parquet files
    refused("an empty file", {"a": GOOD, "b": EMPTY}, "1 file(s)", "b is empty", "--skip-unreadable-files"),
    refused("an empty file, first", {"a": EMPTY, "b": GOOD}, "1 file(s)", "a is empty"),
    refused(
        "all at once",
        {"a": GOOD, "b+ %41": EMPTY, "c": TORN, "d": LINES, "e": b"<html>", "f": NO_ROWS, "g": b"PAR1", "h": OBJECT},
        *("6 file(s)", "b+ %41 is empty", "c is torn", "--format csv", "HTML", "and 1 more"),
    ),
    sound(
        "left out by option",
        {"a": GOOD, "b+ %41": EMPTY, "c": TORN, "d": LINES, "é": b"PAR1", "f": NO_ROWS},
        ["a"],
        options=SKIP,
    ),
    sound("left out of partitions", {"l=1/a": GOOD, "l=2 é/b": TORN}, ["l=1/a"], options=SKIP, columns=("l",)),
    sound("left out, none", {"a": GOOD, "f": NO_ROWS}, ["a"], options=SKIP),
    refused("left out, all", {"a": TORN, "b": EMPTY}, "cannot be read as parquet", "a is torn", options=SKIP),
    # partition folders
    sound("partitions", PARTS, [*PARTS], paths=("p",), columns=LANGUAGE_AND_SHARD),
    sound("a partition", PARTS, EN, paths=("p/language=en",), columns=LANGUAGE_AND_SHARD),
    sound("partitions by name", PARTS, [*PARTS], paths=("p/language=en", "p/language=de"), columns=LANGUAGE_AND_SHARD),
    sound("partitions by glob", PARTS, [*PARTS], paths=("p/language=*",), columns=LANGUAGE_AND_SHARD),
    sound("a glob above", PARTS, FIRST, paths=("p/*/shard=00001",), columns=LANGUAGE_AND_SHARD),
    sound("files by glob", PARTS, FIRST, paths=("p/*/shard=00001/*",), columns=LANGUAGE_AND_SHARD),
    sound("braces", PARTS, EN, paths=("p/{language=en}",), columns=LANGUAGE_AND_SHARD),
    sound("a file", {"p/l=01/a.parquet": GOOD}, ["p/l=01/a.parquet"], paths=("p/l=01/a.parquet",), columns=("l",)),
    sound("a folder below", {"run=7/p/a": GOOD}, ["run=7/p/a"], paths=("run=7/p",)),
    sound("CSV", {"l=01/a.csv": LINES}, ["1"], options=CSV, columns=("l",)),
    sound("CSV, one", {"l=01/a.csv": LINES}, ["1"], options=CSV | {"multiline": True}, paths=("l=01",), columns=("l",)),
    sound("JSON, one", {"l=01/a.json": OBJECT}, ["1"], options=JSON, paths=("l=*",), columns=("l",)),
    refused("keys", {"a=1/x": GOOD, "b=1/x": GOOD}, "do not fit together", "a=1", "b=1"),
    refused("keys, by glob", {"a=1/x": GOOD, "b=1/x": GOOD}, "do not fit together", paths=("*=1",)),
    refused("keys, CSV", {"a=1/x": LINES, "b=1/x": LINES}, "do not fit together", options=CSV),
    refused("levels", {"a=1/x": GOOD, "a=1/b=1/x": GOOD}, "do not fit together"),
    refused("a file above", {"a=1/x": GOOD, "x": GOOD}, "would not read all", "/x and", "/a=1/x"),
    refused("a file above others", {"a=1/x.md": b"x", "x.parquet": GOOD}, "beside partition folders", paths=("*",)),
    refused("a subfolder, an empty file", {"a.csv": LINES, "b.csv": b"", "c/x.csv": LINES}, "1 of the 2", options=CSV),
    refused("a file above, CSV", {"a=1/x": LINES, "x": LINES}, "would not read all", options=CSV),
    refused("bases", {"p/a=1/x": GOOD, "q/a=1/x": GOOD}, "leads into", "/p,", paths=("p/a=1", "q/a=1")),
    refused("bases of folders", {"p/a=1/x": GOOD, "q/a=1/x": GOOD}, "do not fit together", paths=("p", "q")),
    refused("a partition and a file", {"p/a=1/x": GOOD, "q/x": GOOD}, "leads into", paths=("p/a=1", "q")),
    # text of another kind, and empty files
    refused("gzip named CSV", {"a.csv": gzip.compress(LINES)}, "a.csv is compressed with gzip", options=CSV),
    refused("a zip", {"b.tsv": b"PK\x03\x04", "a.tsv": b"id\ttext\n1\tw1\n"}, "b.tsv is a ZIP", options=TSV),
    refused("UTF-16", {"a.json": OBJECT.decode().encode("utf-16")}, "UTF-16", "iconv", options=JSON),
    sound("empty files", {"a.csv": LINES, "b.csv": b"", "c.csv.gz": b""}, ["1"], options=CSV),
    sound("nothing, compressed", {"a.csv": LINES, "b.csv.gz": gzip.compress(b"\n")}, ["1"], options=CSV),
]  # fmt: skip


def opened(spark: SparkSession, folder: Path, case: Files) -> OpenPool:
    make(folder, case.files)
    return open_pool(spark, pool_at([folder / path for path in case.paths], BY_ID, **case.options))


@pytest.mark.parametrize("case", [case for case in CASES if case.says], ids=lambda case: case.name)
def test_refused(case: Files, spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        opened(spark, tmp_path, case)
    assert [part for part in case.says if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("case", [case for case in CASES if not case.says], ids=lambda case: case.name)
def test_read(case: Files, spark: SparkSession, tmp_path: Path) -> None:
    pool = opened(spark, tmp_path, case)
    rows = pool.rows.select("uid", *case.columns).collect()
    assert sorted(row.uid for row in rows) == sorted(case.read or [])
    assert pool.source.description.get("not_read", {}) == case.shown
    for row in rows:  # a partition's value is the text of its folder
        assert [f"{name}={row[name]}" for name in case.columns if "=" in row.uid] == [
            part for part in row.uid.split("/")[:-1] if "=" in part
        ][: len(case.columns)]


@pytest.mark.parametrize("name", ["left out by option", "partitions by glob", "UTF-16", "all at once", "Hudi, day"])
def test_without_a_context(name: str, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT_CONTEXT, "1")
    (case,) = (case for case in CASES if case.name == name)
    (test_refused if case.says else test_read)(case, spark, tmp_path)
