"""Random pool folders: every row of every readable file is read once, or the pool is refused by name."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.errors import MetaclipSparkError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

FORMATS: Final = ("parquet", "csv", "tsv", "json")
FOLDERS: Final = ("", "", "", "k=1/", "k=01/", "k=1/m=x y/", "sub/", "_old/", "k=a%20b/")
STEMS: Final = ("a", "part-0", "b c", "d%41+", "é", "_x", ".y", "x=1", "z.snappy", "[q]", "{r}")
JUNK: Final = (b"", b"\0" * 40, b"PAR1", b"<html>", b"\xff\xfea\0", b"PK\x03\x04", b"[1]", b"version https://git-lfs")


def written(form: str, ids: list[str], random_: random.Random) -> bytes:
    """Return a sound file of a format."""
    if form == "parquet":
        columns = {"id": ids, "text": ["w1"] * len(ids)}
        more = random_.choice([{}, {}, {"n": pa.array([1] * len(ids), pa.int32())}, {"n": pa.nulls(len(ids))}])
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns | more), sink)
        return bytes(sink.getvalue().to_pybytes())
    if form == "json":
        return "".join(json.dumps({"id": one, "text": "w1"}) + "\n" for one in ids).encode()
    mark = "," if form == "csv" else "\t"
    return f"id{mark}text\n{''.join(f'{one}{mark}w1' + chr(10) for one in ids)}".encode()


def make(random_: random.Random, folder: Path, form: str) -> dict[str, list[str]]:
    """Write a random folder; return the ids in each sound file of the format that Spark lists, by name."""
    sound: dict[str, list[str]] = {}
    for number in range(random_.randint(1, 4)):
        kind = random_.choice([form, form, form, form, *FORMATS, "junk", "torn", "link"])
        ids = [f"{number}-{row}" for row in range(random_.choice([0, 1, 3]))]
        suffix = random_.choice([f".{form}", f".{form}", f".{kind}", "", f".{form}.gz", ".md"])
        name = random_.choice(FOLDERS) + random_.choice(STEMS) + suffix
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            continue
        if kind == "link":
            path.symlink_to("/nowhere/x")
            continue
        content = random_.choice(JUNK) if kind == "junk" else written(kind if kind in FORMATS else form, ids, random_)
        if suffix.endswith(".gz") and form != "parquet" and random_.random() < 0.9:
            content = gzip.compress(content)
        elif kind == "torn":
            content = content[: random_.randrange(max(len(content), 1))]
        path.write_bytes(content)
        readable = kind == form and suffix in {f".{form}", f".{form}.gz", ""}
        if readable and not any(part[0] in "_." for part in name.split("/")):
            sound[name] = ids
    return sound


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("folders", [12, pytest.param(500, marks=pytest.mark.slow)], ids=["few", "many"])
def test_random_folders(folders: int, spark: SparkSession, tmp_path: Path) -> None:
    from metaclip_spark.pools.open_pool import open_pool  # noqa: PLC0415 - the other property tests need no Spark
    from metaclip_spark.spark.job_errors import translated_job_errors  # noqa: PLC0415

    random_ = random.Random(folders)
    outcomes: Counter[str] = Counter()
    for number in range(folders):
        form, folder = random_.choice(FORMATS), tmp_path / f"{number}"
        folder.mkdir()
        sound = make(random_, folder, form)
        named = tuple(re.sub(r"([\[{])", r"\\\1", f"{folder}/{one}") for one in sound)
        paths = random_.choice([(str(folder),), (str(folder),), (f"{folder}/*",), named])
        skip = form == "parquet" and random_.random() < 0.5
        seen = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        try:
            pool = Pool(
                paths=paths or (str(folder),), columns=PoolColumns(uid="id"), format=form, skip_unreadable_files=skip
            )
            with translated_job_errors():
                opened = open_pool(spark, pool)
                read = Counter(row.uid for row in opened.rows.select("uid").collect() if row.uid is not None)
        except MetaclipSparkError as error:
            outcomes[f"exit code {error.exit_code}"] += 1
            continue
        known = Counter(one for ids in sound.values() for one in ids)
        assert {one: read[one] for one in known} == known, (number, seen, paths, known, read)
        outcomes["read"] += 1
    assert outcomes.keys() <= {"read", "exit code 2", "exit code 3"}, outcomes
    assert 0.2 * folders < outcomes["read"] < 0.95 * folders, outcomes
