"""Failures on executors: the driver raises a named error, settings are restored, and the next run continues."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from pools import ENTRIES, made_up_table, pool_at, write_files

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation import curate as curate_stage
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.rebalance.rebalance import rebalance
from metaclip_spark.errors import ArtifactError, InputError, JobFailedError, TableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

CONFIG = CurateConfig(t=30.0)


def settings(spark: SparkSession) -> dict[str, str]:
    """Return all settings of the session, except a version that Delta records there."""
    return {key: value for key, value in spark.conf.getAll.items() if "lastCommitVersion" not in key}


def test_failure_of_the_first_pass(
    spark: SparkSession, small_pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged artifact reaches the executors; its random entry makes sure that no host has it cached."""
    metadata = compile_metadata([*ENTRIES, uuid4().hex])  # a name of a test folder would not be unique
    before = settings(spark)
    with monkeypatch.context() as patched:
        damaged = artifact_to_bytes(metadata)[:-100]
        patched.setattr("metaclip_spark.spark.shared_metadata.artifact_to_bytes", lambda _: damaged)
        with pytest.raises(ArtifactError, match="In a Python worker: "):
            curate(spark, small_pool, metadata, str(tmp_path / "out"), CONFIG)
    assert settings(spark) == before
    assert not (tmp_path / "out").exists()
    report = curate(spark, small_pool, metadata, str(tmp_path / "out"), CONFIG)
    assert report.counters["kept"] > 0


def test_failure_of_the_second_pass(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The counts belong to other metadata than the matches."""
    before = settings(spark)
    whole = curate_stage.balance_on_executors

    def cut(spark: SparkSession, counts: dict[str, Any], *rest: Any) -> Any:
        return whole(spark, {language: own[:5] for language, own in counts.items()}, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(curate_stage, "balance_on_executors", cut)
        with pytest.raises(InputError, match=r"In a Python worker: .* there are 5 counts"):
            curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    assert settings(spark) == before
    assert curate(spark, small_pool, metadata, str(tmp_path), CONFIG).counts_reused


def test_a_damaged_file_among_sound_ones(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    folder = write_files(made_up_table(2_000), tmp_path / "pool", files=4)
    damaged = folder / "part-00002.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"part-00002\.parquet"):
        curate(spark, pool_at(folder), metadata, str(tmp_path / "out"), CONFIG)
    assert not (tmp_path / "out").exists()


def test_a_file_with_another_schema(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    folder = write_files(made_up_table(2_000), tmp_path / "pool", files=2)
    table = made_up_table(10)
    other = table.set_column(table.schema.get_field_index("text"), "text", table["width"])
    pq.write_table(other, folder / "part-00007.parquet")
    with pytest.raises(InputError, match=r"'text' is string in 2 .*int32 in 1 .*Cast them"):
        curate(spark, pool_at(folder), metadata, str(tmp_path / "out"), CONFIG)
    assert not (tmp_path / "out").exists()


def test_missing_files_of_the_tables(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """Files of the tables are missing when the run is recorded, and when the next run opens them."""
    out, other = tmp_path / "out", pool_at(write_files(made_up_table(10), tmp_path / "other"))

    def lose(table: str) -> None:
        for file in (out / table).glob("*.parquet"):
            file.unlink()

    def lose_curve(line: str) -> None:
        if line.startswith("balance"):
            lose("size_curve")

    curate(spark, small_pool, metadata, str(out), CONFIG)
    with pytest.raises(TableError, match="A file of the tables in"):
        curate(spark, small_pool, metadata, str(out), replace(CONFIG, t=9, overwrite=True), progress=lose_curve)
    lose("runs")
    for next_run in (
        lambda: curate(spark, small_pool, metadata, str(out), CONFIG),
        lambda: append(spark, other, metadata, str(out)),
        lambda: rebalance(spark, str(out), 5.0),
    ):
        with pytest.raises(TableError, match="A file of the tables in"):
            next_run()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("choose t", r"/curated\b.*No space left on device.*batches were limited to \d+ rows.*Run again"),
        ("balance", r"/size_curve\b.*No space left on device.*[Rr]un again"),
    ],
    ids=["rows", "their curve"],
)
def test_a_full_disk(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, disk: Callable[[int], Path], step: str, says: str
) -> None:
    """The disk is full after a step."""
    small_disk = disk(3 << 20)
    filler = small_disk / "filler"

    def fill(line: str) -> None:
        if line.startswith(step):
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4_096)):
                    pass

    with pytest.raises(JobFailedError, match=says):
        curate(spark, small_pool, metadata, str(small_disk / "out"), CONFIG, progress=fill)
    filler.unlink()
    assert curate(spark, small_pool, metadata, str(small_disk / "out"), CONFIG).counts_reused
