"""Kinds of content by their first bytes, for every format."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import subprocess
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark.pools.files.content_kinds import HEAD_BYTES, problem

LINES = b"url,text\nhttp://x/1,a dog\nhttp://x/2,caf\xc3\xa9\n"
RECORD = {"url": "http://x/1", "text": "a\u2028b", "more": {"x": [1, 2]}}
OBJECTS = (json.dumps(RECORD) + "\n").encode() * 3
TEXTS = {"csv": LINES, "tsv": LINES.replace(b",", b"\t"), "json": OBJECTS}


def parquet() -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table({"text": ["a dog"]}), content)
    return content.getvalue()


def archive(kind: str) -> bytes:
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as file:
            file.writestr("a.csv", LINES)
    else:
        with tarfile.open(fileobj=content, mode="w") as file:
            file.addfile(tarfile.TarInfo("a.csv"))
    return content.getvalue()


SOUND = [
    *((f"a.{form}", content, form) for form, content in TEXTS.items()),
    *((f"a.{form}.gz", gzip.compress(content), form) for form, content in TEXTS.items()),
    *((f"a.{form}.bz2", bz2.compress(content), form) for form, content in TEXTS.items()),
    ("a.CSV.GZ", gzip.compress(LINES), "csv"),
    ("a.csv.gz", gzip.compress(b""), "csv"),
    ("a.csv.gz", gzip.compress(LINES * 9_000)[:-9], "csv"),  # what is torn is found when it is read
    ("a.csv", b"", "csv"),
    ("a.csv", b"\xef\xbb\xbf" + LINES, "csv"),
    ("a.csv", LINES.replace(b"\n", b"\r\n"), "csv"),
    ("a.csv", b"one,line\r", "csv"),
    ("a.csv", b"one,line\r" + b"x" * HEAD_BYTES + b"\r\n", "csv"),
    ("a.csv", b"ORCID,text\n1,w1\n", "csv"),
    ("a.csv", b"BZh1,text\n1,w1\n", "csv"),
    ("a.tsv", b"PAR1\ttext\n1\tw1\n", "tsv"),
    ("a.csv.bz2", bz2.compress(b""), "csv"),
    ("a.csv", b"url,text\n" + b"\0" * 5 + b"\xff\n", "csv"),
    ("a.csv", "url,text\nu,\u732b\U0001f431\n".encode(), "csv"),
    ("a.json", b"\n\n" + OBJECTS, "json"),
    ("a.json", b"{ not json\n" + OBJECTS, "json"),
    ("a.json", OBJECTS.rstrip(), "json"),
    ("a.parquet", parquet(), "parquet"),
    ("part-0", parquet(), "parquet"),
]

REFUSED = [
    ("a.csv", gzip.compress(LINES), "csv", "compressed with gzip. Add .gz to its name"),
    ("a.json", bz2.compress(OBJECTS), "json", "compressed with bzip2. Add .bz2 to its name"),
    ("a.csv.gz", LINES, "csv", "has the suffix .gz, but is not compressed. Name it without .gz"),
    ("a.csv.gz", archive("zip"), "csv", "has the suffix .gz, but is a ZIP archive"),
    ("a.csv.gz", gzip.compress(archive("tar")), "csv", "contains, compressed with gzip, what is a tar archive"),
    ("a.csv.gz", gzip.compress(LINES.decode().encode("utf-16")), "csv", "encoded in UTF-16"),
    ("a.json.gz", gzip.compress(b"[1]"), "json", "is one JSON array"),
    ("a.csv.xz", lzma.compress(LINES), "csv", "compressed with xz. Decompress it"),
    ("a.csv", archive("zip"), "csv", "a ZIP archive. Unpack it"),
    ("a.tsv", b"7z\xbc\xaf\x27\x1cxx", "tsv", "7z"),
    ("a.tsv", b"\x28\xb5\x2f\xfdxx", "tsv", "zstd"),
    ("a.tsv", archive("tar"), "tsv", "a tar archive"),
    ("a.csv", parquet(), "csv", "a Parquet file. Pass --format parquet"),
    ("a.json", parquet(), "json", "a Parquet file. Pass --format parquet"),
    ("a.csv", LINES.decode().encode("utf-16"), "csv", "iconv -f UTF-16 -t UTF-8"),
    ("a.tsv", LINES.decode().encode("utf-16-le"), "tsv", "UTF-16LE"),
    ("a.tsv", LINES.decode().encode("utf-16-be"), "tsv", "UTF-16BE"),
    ("a.json", OBJECTS.decode().encode("utf-32"), "json", "UTF-32"),
    ("a.csv", LINES.replace(b"\n", b"\r"), "csv", "end in CR alone"),
    ("a.json", OBJECTS.replace(b"\n", b"\r"), "json", "end in CR alone"),
    ("a.csv", b"<!DOCTYPE html>\n<html>", "csv", "an HTML or XML page"),
    ("a.csv", b"\n<?xml version='1.0'?><Error>", "csv", "an HTML or XML page"),
    ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "csv", "Run git lfs pull"),
    ("a.json", json.dumps([RECORD]).encode(), "json", "is one JSON array"),
    ("a.json", json.dumps([RECORD], indent=1).encode(), "json", "is one JSON array"),
    ("a.json", json.dumps(RECORD, indent=1).encode(), "json", "span several lines"),
    ("a.json", b"\xef\xbb\xbf" + json.dumps(RECORD, indent="\t").encode() * 2, "json", "span several lines"),
    ("a.json", b'{"url": "u",\n "text": "a"}\n', "json", "span several lines"),
    ("a.json", json.dumps({"text": "x" * 2 * HEAD_BYTES}, indent=1).encode(), "json", "span several lines"),
    ("a.parquet", b"", "parquet", "is empty"),
    ("a.parquet", LINES, "parquet", "Pass --format csv"),
    ("a.parquet", TEXTS["tsv"], "parquet", "Pass --format tsv"),
    ("a.parquet", OBJECTS, "parquet", "Pass --format json"),
    ("a.parquet", gzip.compress(parquet()), "parquet", "compressed with gzip. Decompress it"),
    ("a.parquet", b"version https://git-lfs.github.com/spec/v1\n", "parquet", "Run git lfs pull"),
    ("a.parquet", b"<html>", "parquet", "an HTML or XML page"),
    ("a.parquet", b"\x00" * 100, "parquet", "is not a Parquet file"),
    ("a.parquet", b"PARE\0more", "parquet", "an encrypted Parquet file"),
    ("a.arrow", b"ARROW1\x00\x00", "parquet", "an Arrow file"),
]  # fmt: skip


def without_content(value: object) -> str:
    """Return the part of a test's name for a value. Compressed content has the time in it."""
    return "" if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("name", "content", "form"), SOUND, ids=without_content)
def test_sound(name: str, content: bytes, form: str) -> None:
    assert problem(name, content[:HEAD_BYTES], form) is None


@pytest.mark.parametrize(("name", "content", "form", "says"), REFUSED, ids=without_content)
def test_refused(name: str, content: bytes, form: str, says: str) -> None:
    assert says in (problem(name, content[:HEAD_BYTES], form) or "")


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (LINES.decode().encode("utf-16"), ["iconv", "-f", "UTF-16", "-t", "UTF-8"]),
        (LINES.decode().encode("utf-16-le"), ["iconv", "-f", "UTF-16LE", "-t", "UTF-8"]),
        (LINES.decode().encode("utf-32"), ["iconv", "-f", "UTF-32", "-t", "UTF-8"]),
        (LINES.replace(b"\n", b"\r"), ["tr", "\\r", "\\n"]),
    ],
)
def test_remedies_work(content: bytes, command: list[str]) -> None:
    said = problem("a.csv", content, "csv") or ""
    assert " ".join(command).replace("\\r \\n", "'\\r' '\\n'") in said
    assert subprocess.run(command, input=content, capture_output=True, check=True).stdout == LINES
