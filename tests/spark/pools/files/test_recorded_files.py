"""What was read and what was left out is recorded with the run, and the pool is opened again in the same way."""

from __future__ import annotations

import gzip
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pools import ENTRIES, pool_at

from metaclip_spark import append, dry_run, explain_uid, rebalance
from metaclip_spark.audit.dry_run_text import render_dry_run
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.summary import render_summary
from metaclip_spark.errors import InputError, MetaclipSparkWarning
from metaclip_spark.runs.reopen_pool import reopen_pool
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

BY_ID = PoolColumns(uid="id")
KEEP_ALL = CurateConfig(t=1e9)


def write(path: Path, rows: int, start: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"{path.stem}{number}" for number in range(start, start + rows)]
    pq.write_table(pa.table({"id": ids, "text": ["w1 w2"] * rows}), path)


@pytest.fixture
def damaged(tmp_path: Path) -> Pool:
    """A folder of img2dataset in which two of four Parquet files cannot be opened."""
    folder = tmp_path / "pool"
    for name in "ab":
        write(folder / f"{name}.parquet", 20)
        (folder / f"{name}.tar").write_bytes(b"x")
    (folder / "c.parquet").touch()
    (folder / "d.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-9])
    return pool_at(folder, BY_ID)


def test_unreadable_files_are_recorded(
    damaged: Pool, spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"2 file\(s\)") as caught:
        curate(spark, damaged, metadata, str(tmp_path / "out"), KEEP_ALL)
    assert "c.parquet is empty" in str(caught.value)
    assert "d.parquet is torn" in str(caught.value)
    pool = replace(damaged, skip_unreadable_files=True)
    with pytest.warns(MetaclipSparkWarning, match="are left out"):
        plan = render_dry_run(dry_run(spark, pool, metadata, str(tmp_path / "out"), KEEP_ALL))
    with pytest.warns(MetaclipSparkWarning, match="are left out"):
        report = curate(spark, pool, metadata, str(tmp_path / "out"), KEEP_ALL)
    assert report.counters["kept"] == 40
    assert report.source["not_read"] == {".tar": 2}
    assert report.source["unreadable_files"]["files"] == 2
    for text in (plan, render_summary(report)):
        assert "2 .tar" in text
        assert "2 file(s), such as file:" in text
    stored = current_run(Tables(spark, str(tmp_path / "out")))
    assert stored.pool == pool
    assert stored.source.description["unreadable_files"] == report.source["unreadable_files"]
    check_reopening(spark, metadata, tmp_path, uid="b3")
    # Without a file that had been left out, the pool is another one.
    (tmp_path / "pool" / "c.parquet").unlink()
    (tmp_path / "pool" / "d.parquet").unlink()
    with pytest.raises(InputError, match="has changed since run"):
        reopen_pool(spark, stored)


def check_reopening(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, *, uid: str) -> None:
    """Read the pool of a run again: to explain a row, after an append, and for a greater t."""
    out = str(tmp_path / "out")
    assert explain_uid(spark, out, uid).uid == uid
    assert reopen_pool(spark, current_run(Tables(spark, out))).rows.count() == 40
    write(tmp_path / "more" / "z.parquet", 10)
    assert append(spark, pool_at(tmp_path / "more", BY_ID), metadata, out).counters["kept"] == 50
    assert rebalance(spark, out, 5.0, metadata).counters["kept"] < 50
    assert rebalance(spark, out, 1e9, metadata).counters["kept"] == 50


def test_delta_given_as_parquet(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    for rows in (30, 40):
        table = spark.createDataFrame(
            [(f"{rows}-{number}", "w1 w2") for number in range(rows)], "id string, text string"
        )
        table.write.format("delta").mode("overwrite").save(str(folder))
    with pytest.warns(MetaclipSparkWarning, match=r"is read as Delta \(--format delta\)"):
        report = curate(spark, pool_at(folder, BY_ID), metadata, str(tmp_path / "out"), KEEP_ALL)
    assert report.counters["read"] == 40
    assert report.source["format"] == "delta"
    assert report.warnings
    same = curate(spark, pool_at(folder, BY_ID, format="delta"), metadata, str(tmp_path / "out"), KEEP_ALL)
    assert (same.already_finished, same.run_id) == (True, report.run_id)
    check_reopening(spark, metadata, tmp_path, uid="40-7")


@pytest.mark.filterwarnings("ignore::metaclip_spark.errors.MetaclipSparkWarning")
@pytest.mark.parametrize("form", ["csv", "tsv", "json"])
def test_a_compressed_file_of_nothing(
    form: str, spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    lines = {"csv": "id,text\n1,w1\n", "tsv": "id\ttext\n1\tw1\n", "json": '{"id": "1", "text": "w1"}\n'}[form].encode()
    for name, content in {"a": lines, "b": b"", "c": b"\n\r\n"}.items():
        (tmp_path / f"{name}.{form}.gz").write_bytes(gzip.compress(content))
    (tmp_path / f"d.{form}.gz").touch()
    report = curate(spark, pool_at(tmp_path, BY_ID, format=form), metadata, str(tmp_path / f"../{form}"), KEEP_ALL)
    assert (report.counters["read"], report.counters["malformed"]) == (1, 0)


def test_remedies_are_executed(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The options that an error prints make the same command succeed."""
    (tmp_path / "entries.txt").write_text("\n".join(ENTRIES))
    spark.createDataFrame([("1", "w1")], "id string, text string").write.format("delta").save(str(tmp_path / "d t"))
    for name in ("a", "b"):
        write(tmp_path / "torn" / f"{name}.parquet", 3)
    (tmp_path / "torn" / "c.parquet").touch()
    write(tmp_path / "mixed" / "part-0", 3)
    (tmp_path / "mixed" / "x.md").touch()
    (tmp_path / "mixed" / "x.md").write_text("x")
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "a.jsonl").write_text('{"id": "1", "text": "w1"}\n')
    (tmp_path / "lines.parquet").write_text("id,text\n1,w1\n")
    pools = {
        "d t": ["--format", "csv"], "torn": [], "mixed": [], "lines": [], "lines.parquet": [],
        next((tmp_path / "d t").glob("*.parquet")).relative_to(tmp_path): [],
    }  # fmt: skip
    for number, (name, options) in enumerate(pools.items()):
        rest = ["--metadata", str(tmp_path / "entries.txt"), "--tables", str(tmp_path / f"out{number}"), "--dry-run"]
        command = ["curate", "--id-column", "id", *rest, "--pool", str(tmp_path / name), *options]
        assert main(command) == 3
        said = capsys.readouterr().err
        printed = re.search(r"(--(?:pool|format|skip).*?)(?:, with| to leave|\.\n)", said)
        remedy = shlex.split(printed.group(1) if printed else "")
        assert main([*command, *remedy]) == 0, said
        capsys.readouterr()
