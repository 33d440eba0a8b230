"""Mistakes in places: each is named with its remedy and the exit code of its kind, never "run again"."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark import CurateConfig, Pool, PoolColumns, append, compile_metadata, curate, export_jsonl, rebalance
from metaclip_spark.audit.dry_run import dry_run
from metaclip_spark.cli import main
from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.metadata.write_metadata import MetadataTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

ROWS = pa.table({"url": [f"http://x/{number}" for number in range(9)], "text": ["a photo of a dog"] * 9})
POOL = "--pool {d}/p.parquet --url-column url"
CURATE = f"curate {POOL} --metadata {{d}}/e.txt --t 20"
BUILD = "metadata build --no-wordnet"
DRIVER = r"Add the store's driver: --spark-conf spark\.jars\.packages=org\.apache\.hadoop:hadoop-"
OUT = "--metadata {d}/e.txt --tables {d}/x"
CASES = [
    # No file system for the scheme
    (f"curate --pool s3://b/p {OUT}", 2, r"s3a:// instead of s3://, and add .*hadoop-aws:"),
    (f"curate --pool hf://datasets/a/b.parquet {OUT}", 2, "hf download REPO"),
    (f"curate --pool gs://b/p --format csv {OUT}", 2, f"{DRIVER}gcp"),
    (f"curate --pool s3a://b/p --format delta {OUT}", 2, f"{DRIVER}aws"),
    ("estimate --pool s3a://b/p --format json --metadata {d}/e.txt --sample 0.5", 2, f"{DRIVER}aws"),
    (f"{CURATE} --tables s3a://b/out", 2, f"s3a://b/out.*{DRIVER}aws"),
    (f"{CURATE} --tables abfss://c@a.dfs.core.windows.net/out --dry-run", 2, f"{DRIVER}azure"),
    (f"{CURATE} --tables dbfs:/out --dry-run", 2, "Databricks only"),
    (f"{CURATE} --tables zzz://a/out --dry-run", 2, r"spark\.hadoop\.fs\.zzz\.impl"),
    (f"{CURATE} --tables http://127.0.0.1:9/out --dry-run", 2, "Name another location"),
    (f"{CURATE} --tables {{d}}/x --counts s3a://b/out", 2, f"{DRIVER}aws"),
    (f"curate {POOL} --metadata s3a://b/e.txt --tables {{d}}/x", 2, f"{DRIVER}aws"),
    (f"curate {POOL} --metadata hf://b/table --tables {{d}}/x", 2, "hf download REPO"),
    (f"{BUILD} --dump s3://b/enwiki.xml.bz2 --output {{d}}/m", 2, "hadoop-aws"),
    (f"{BUILD} --page-views abfss://c@a/x.gz --output {{d}}/m", 2, f"{DRIVER}azure"),
    (f"{BUILD} --official {{d}}/e.txt --output s3a://b/m", 2, f"{DRIVER}aws"),
    ("inspect --tables gs://b/out", 2, f"{DRIVER}gcp"),
    ("export --to jsonl --tables {d}/out --output s3a://b/x", 2, f"{DRIVER}aws"),
    ("export --to img2dataset --tables {d}/out --output hf://b/x", 2, "hf download|Download"),
    # Patterns and URIs
    (f"curate --pool {{d}}/[ {OUT}", 2, "Correct the path"),
    (f"curate --pool {{d}}/p{{{{ --format csv {OUT}", 2, "Correct the path"),
    (f"curate --pool {{d}}/p\\ --format json {OUT}", 2, "Correct the path"),
    (f"curate --pool file://host/p {OUT}", 2, "Correct the path"),
    (f"curate --pool hdfs:///p {OUT}", 2, "Correct the path"),
    (f"{CURATE} --tables file://host/x --dry-run", 2, "Correct the path"),
    (f"curate --pool {{d}}/parts --url-column url {OUT}", 3, "do not fit together"),
    (f"curate --pool {{d}}/old --url-column url --format delta --pool-version 0 {OUT}", 3, "VACUUM"),
    # Outputs that cannot be made
    (f"{CURATE} --tables /dev/null", 6, "is a file"),
    (f"{CURATE} --tables /dev/null/x --dry-run", 6, r"/dev/null/x cannot be written: Not a directory"),
    (f"{CURATE} --tables {{d}}/e.txt/x", 6, "cannot be written: Not a directory"),
    (f"{CURATE} --tables /proc/x --dry-run", 6, r"/proc/x cannot be written: .*\(/proc\)"),
    (f"{CURATE} --tables {{d}}/dangling/x", 6, "dangling/x cannot be written"),
    (f"{CURATE} --tables {{d}}/lnk/out", 2, "lies in the pool"),
    (f"{BUILD} --official {{d}}/e.txt --output /proc/m", 6, "/proc/m cannot be written"),
    ("metadata wordnet --output /proc/m", 6, "/proc/m cannot be written"),
    ("compile {d}/e.txt --output /proc/a", 6, "/proc cannot be written"),
    ("compile {d}/e.txt --output {d}/no/a", 6, "no does not exist. Make this folder"),
    ("compile {d}/e.txt --output {d}", 6, "is a folder"),
    ("quickstart --output /proc/q", 6, "cannot be written to /proc/q"),
    ("quickstart --output {d}/e.txt", 6, "Not a directory"),
    *(
        (f"export --to {to} --tables {{d}}/out --output /proc/{name}", 6, "(?:/proc.*|Cannot) (?:be )?writ")
        for to, name in (("jsonl", "x"), ("img2dataset", "x"), ("datacomp", "x.npy"), ("entry-probabilities", "x.npy"))
    ),
    ("export --to jsonl --tables {d}/out --output {d}/link/out/curated/x", 2, "overlaps with"),
    ("export --to jsonl --tables {d}/out --output {d}/link/p.parquet/x", 2, "overlaps with"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool, metadata, finished tables, a table with a vacuumed version, and links."""
    folder = tmp_path_factory.mktemp("places")
    pq.write_table(ROWS, folder / "p.parquet")
    (folder / "e.txt").write_text("dog\nphoto\n")
    for part in ("parts/a=1", "parts/b=2"):
        (folder / part).mkdir(parents=True)
        pq.write_table(ROWS, folder / part / "p.parquet")
    (folder / "link").symlink_to(folder)
    (folder / "lnk").symlink_to(folder / "p.parquet")
    (folder / "dangling").symlink_to(folder / "nowhere" / "at all")
    versions = []
    for number in range(2):
        rows = spark.createDataFrame([(f"http://x/{number}", "a dog")], "url string, text string")
        rows.write.format("delta").mode("overwrite").save(str(folder / "old"))
        versions.append(list((folder / "old").glob("*.parquet")))
    for file in versions[0]:
        file.unlink()  # as VACUUM does
    curate(spark, pool_of(folder), compile_metadata(["dog", "photo"]), str(folder / "out"), CurateConfig(t=20))
    return folder


def pool_of(folder: Path) -> Pool:
    return Pool(paths=str(folder / "p.parquet"), columns=PoolColumns(image_url="url"))


@pytest.mark.parametrize(("command", "code", "said"), CASES, ids=[command for command, _, _ in CASES])
def test_a_mistake(command: str, code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    found = main([part.format(d=folder) for part in command.split()])
    error = capsys.readouterr().err
    assert re.search(said, error), error
    assert found == code, error
    assert sorted(folder.rglob("*")) == before, "nothing is written"


def test_a_disk_that_cannot_be_written(spark: SparkSession, disk: Callable[[int], Path], folder: Path) -> None:
    """Found before any work, by the dry run too; a run that has finished needs no writing."""
    mounted = disk(4 << 20)
    root, pool, metadata = str(mounted / "out"), pool_of(folder), compile_metadata(["dog", "photo"])
    more = Pool(paths=str(folder / "parts" / "a=1"), columns=PoolColumns(image_url="url"))
    curate(spark, pool, metadata, root, CurateConfig(t=20))
    changed = CurateConfig(t=3, overwrite=True)
    lines: list[str] = []
    writes: list[Callable[[], object]] = [
        lambda: dry_run(spark, pool, metadata, root, changed),
        lambda: curate(spark, pool, metadata, root, changed, progress=lines.append),
        lambda: curate(spark, pool, metadata, str(mounted / "new" / "out"), progress=lines.append),
        lambda: append(spark, more, metadata, root, progress=lines.append),
        lambda: rebalance(spark, root, 3.0, progress=lines.append),
        lambda: export_jsonl(spark, root, str(mounted / "lines")),
        lambda: MetadataTarget(spark, str(mounted / "metadata"), "en"),
    ]
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    for write in writes:
        with pytest.raises(TableError, match="cannot be written: Read-only file system"):
            write()
    assert curate(spark, pool, metadata, root, CurateConfig(t=20)).already_finished
    subprocess.run(["mount", "-o", "remount,rw", mounted], check=True)
    with contextlib.suppress(OSError), (mounted / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4_096)):
            pass
    for write in writes:
        with pytest.raises(TableError, match="cannot be written: No space left on device"):
            write()
    assert [line for line in lines if not line.startswith("open")] == [], "no pass was started"


def test_the_working_directory_may_change(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    pq.write_table(ROWS, tmp_path / "a" / "pool")
    monkeypatch.chdir(tmp_path / "a")
    pool = Pool(paths="pool", columns=PoolColumns(image_url="url"))
    monkeypatch.chdir(tmp_path / "b")

    def move(_: str) -> None:
        os.chdir(tmp_path / "c")

    report = curate(spark, pool, compile_metadata(["dog"]), "out", CurateConfig(t=20), progress=move)
    assert report.counters["kept"] == len(ROWS)
    monkeypatch.chdir(tmp_path)
    assert export_jsonl(spark, "b/out", "c/lines").rows == len(ROWS)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")) == ["a/pool", "b/out", "c/lines"]


@pytest.mark.parametrize("pool", ["pool", "link", "po*", "{pool,x}", "pool/../pool", "link/part.parquet"])
@pytest.mark.parametrize("out", ["pool/out", "link/out", "link/../pool/out"])
def test_an_output_inside_the_pool(
    pool: str, out: str, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pool").mkdir()
    pq.write_table(ROWS, tmp_path / "pool" / "part.parquet")
    (tmp_path / "link").symlink_to("pool")
    monkeypatch.chdir(tmp_path)
    named = Pool(paths=pool, columns=PoolColumns(image_url="url"))
    if pool.endswith(".parquet"):  # one file of the folder: the output is beside it
        assert dry_run(spark, named, compile_metadata(["dog"]), out).state == "new"
        return
    with pytest.raises(ConfigError, match="lies in the pool"):
        dry_run(spark, named, compile_metadata(["dog"]), out)
