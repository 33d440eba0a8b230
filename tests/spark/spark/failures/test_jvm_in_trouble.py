"""A JVM that is killed, runs out of memory, or runs in a locale without the characters of a name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.spark, pytest.mark.cluster]

KILLED = """
import io, sys, contextlib
from pyspark import SparkContext
from metaclip_spark.cli import main

class KillAfterOpen(io.StringIO):
    def write(self, text):
        if text.startswith("open "):
            SparkContext._gateway.proc.kill()
        return super().write(text)

arguments = ["curate", "--pool", "pool", "--url-column", "url", "--metadata", "e.txt", "--tables", "out", "--progress"]
err = KillAfterOpen()
with contextlib.redirect_stderr(err):
    code = main([*arguments, "--master", "local[1]"])
print(code, [line for line in err.getvalue().splitlines() if "metaclip-spark:" in line])
print(main([*arguments, "--master", "local[1]"]))
"""


def run_in(folder: Path, script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_pool(place: Path, rows: int = 9, **more: object) -> None:
    columns = {"url": [f"http://x/{number}" for number in range(rows)], "text": ["a photo of a dog"] * rows}
    pq.write_table(pa.table(columns | more), place)


def test_a_killed_jvm_is_named_and_the_next_run_continues(tmp_path: Path) -> None:
    write_pool(tmp_path / "pool")
    (tmp_path / "e.txt").write_text("dog\n")
    printed = run_in(tmp_path, KILLED)
    assert "metaclip-spark: Spark's JVM was killed (signal 9)" in printed
    assert [line[:2] for line in printed.splitlines() if "JVM was killed" in line] == ["5 "]
    assert printed.endswith("\n0\n"), "a new JVM in the same process"


@pytest.mark.slow
def test_out_of_memory_names_the_setting_and_its_remedy_works(tmp_path: Path) -> None:
    jpg = pa.array([os.urandom(20_000_000) for _ in range(20)], pa.binary())
    write_pool(tmp_path / "pool", 20, jpg=jpg)
    (tmp_path / "e.txt").write_text("dog\n")
    arguments = "curate --pool pool --url-column url --metadata e.txt --tables out --master local[1]"

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "metaclip_spark", *arguments.split(), *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)

    options: list[str] = ["--spark-conf", "spark.driver.memory=512m"]
    done = run(*options)
    assert done.returncode == 5, done.stderr
    while done.returncode == 5 and options[-1] != "spark.driver.memory=8192m":
        assert re.search(r"(?:ran out of memory|OutOfMemoryError).* has " + re.escape(options[-1]), done.stderr)
        printed = re.search(r"(--spark-conf) (spark\.driver\.memory=\w+)", done.stderr)
        assert printed is not None
        options = list(printed.groups())
        done = run(*options)
    assert done.returncode == 0, done.stderr


ODD_NAMES = """
import os
from pyspark.sql import SparkSession
from metaclip_spark import CurateConfig, Pool, PoolColumns, compile_metadata, curate, export_jsonl
from metaclip_spark.errors import MetaclipSparkError
from metaclip_spark.spark.session import build_session, open_session
from metaclip_spark.spark.session.build import _new_session_settings

def run(spark, pool, out):
    try:
        curate(spark, Pool(paths=pool, columns=PoolColumns(image_url="url")), compile_metadata(["dog"]), out)
        export_jsonl(spark, out, out + "-lines")
    except MetaclipSparkError as error:
        return f"{type(error).__name__}: {error}"
    return "done"
"""
OURS = """
with open_session(master="local[1]") as spark:
    print(run(spark, "kätzchen/猫.parquet", "ausgabe-ü"), run(spark, "ascii", "out"))
"""
OTHERS = """
builder = SparkSession.builder
for key, value in _new_session_settings("local[1]", {}, None).items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
for pool, out in (("kätzchen", "out"), ("pool", "ausgabe-ü"), ("ascii", "out"), ("pool", "out")):
    print(run(spark, pool, out))
"""


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_names_in_a_locale_without_them(locale: str, tmp_path: Path) -> None:
    for name in ("kätzchen/猫.parquet", "pool/p.parquet", "ascii/猫.parquet"):
        (tmp_path / name).parent.mkdir()
        write_pool(tmp_path / name)
    if locale == "C":
        assert run_in(tmp_path, ODD_NAMES + OURS, LC_ALL=locale, PYTHONIOENCODING="utf-8") == "done done\n"
        assert (tmp_path / "ausgabe-ü" / "curated").is_dir()
        assert (tmp_path / "ausgabe-ü-lines" / "_SUCCESS").is_file()
    else:
        printed = run_in(tmp_path, ODD_NAMES + OTHERS, LC_ALL=locale, PYTHONIOENCODING="utf-8").splitlines()
        assert [line.partition(":")[0] for line in printed] == ["EnvironmentProblemError"] * 3 + ["done"]
        assert all("LC_ALL=C.UTF-8" in line for line in printed[:3])
        assert "猫.parquet" in printed[2], "Spark would leave it out"
    assert [path.name for path in tmp_path.rglob("*") if "?" in path.name or "\ufffd" in path.name] == []
