"""Repeated runs: a finished run is a no-op, an unfinished run continues, foreign tables are not touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from content_digest import content_digest
from pools import made_up_table, pool_at, write_files
from process_death import Death, die
from stored_files import file_times

from metaclip_spark.audit.inspect_tables import inspect
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation import curate as curate_stage
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark

TABLES = ("curated", "entry_counts", "size_curve", "runs")
CONFIG = CurateConfig(t=30.0)


def versions(spark: SparkSession, output: Path) -> dict[str, int]:
    """Return the newest version of each existing table."""
    return {
        name: spark.sql(f"DESCRIBE HISTORY delta.`{output / name}` LIMIT 1").collect()[0].version
        for name in TABLES
        if (output / name / "_delta_log").exists()
    }


def read(spark: SparkSession, output: Path, name: str = "curated"):  # noqa: ANN201 - DataFrame
    return spark.read.format("delta").load(str(output / name))


def test_a_finished_run_is_a_no_op(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    first = curate(spark, small_pool, metadata, str(tmp_path / "out"), CONFIG)
    before = file_times(tmp_path / "out")
    again = curate(spark, small_pool, metadata, str(tmp_path / "out"), CONFIG)
    assert file_times(tmp_path / "out") == before
    assert not first.already_finished
    assert again == replace(first, already_finished=True, seconds=again.seconds, output_versions=again.output_versions)
    overwriting = curate(spark, small_pool, metadata, str(tmp_path / "out"), replace(CONFIG, overwrite=True))
    assert overwriting.already_finished
    assert file_times(tmp_path / "out") == before


def test_another_configuration_needs_overwrite(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    first = curate(spark, small_pool, metadata, str(output), CONFIG)
    of_first = content_digest(read(spark, output))
    other = replace(CONFIG, t=90.0)
    before = file_times(output)
    with pytest.raises(TableError, match=f"contains the rows of run {first.run_id}.*overwrite"):
        curate(spark, small_pool, metadata, str(output), other)
    assert file_times(output) == before

    second = curate(spark, small_pool, metadata, str(output), replace(other, overwrite=True))
    assert second.counts_reused
    assert second.counts_version == first.counts_version
    assert read(spark, output).count() == second.counters["kept"] > first.counters["kept"]
    old = spark.read.format("delta").option("versionAsOf", first.output_versions["curated"])
    assert content_digest(old.load(str(output / "curated"))) == of_first

    back = curate(spark, small_pool, metadata, str(output), replace(CONFIG, overwrite=True))
    assert not back.already_finished
    assert content_digest(read(spark, output)) == of_first
    assert back.counters == first.counters
    named = [row.run_id for row in read(spark, output, "runs").collect()]
    assert sorted(named) == sorted({first.run_id, second.run_id, first.counts_version})
    curve = read(spark, output, "size_curve")
    assert {row.run_id for row in curve.collect()} == {first.run_id}


@pytest.mark.parametrize("column", ["semantics_version = 99", "draw_version = 'dice'"])
def test_a_table_under_other_rules_is_not_changed(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path, column: str
) -> None:
    curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    spark.sql(f"UPDATE delta.`{tmp_path}/runs` SET {column}")  # as another version of this package would write it
    before = file_times(tmp_path)
    with pytest.raises(TableError, match=r"used semantics version .* Curate the pool again \(with overwrite"):
        curate(spark, small_pool, metadata, str(tmp_path), replace(CONFIG, t=90.0))
    assert file_times(tmp_path) == before


@pytest.mark.slow
def test_a_repeated_run_is_finished_only_at_its_end(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of the first attempt must not hide that the second attempt failed."""
    first = curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    curate(spark, small_pool, metadata, str(tmp_path), replace(CONFIG, seed=5, overwrite=True))
    back = replace(CONFIG, overwrite=True)
    with monkeypatch.context() as patched:
        patched.setattr("metaclip_spark.runs.run.Run._check_pools", die)
        with pytest.raises(Death):
            curate(spark, small_pool, metadata, str(tmp_path), back)
    found = inspect(spark, str(tmp_path))
    assert found.unfinished_run == first.run_id
    assert {run.run_id: run.status for run in found.runs if run.stage == "curate"}[first.run_id] == "restarted"
    assert not any(run.current for run in found.runs)
    last = curate(spark, small_pool, metadata, str(tmp_path), back)
    assert (last.already_finished, last.counters) == (False, first.counters)
    assert {row.run_id for row in read(spark, tmp_path, "size_curve").collect()} == {first.run_id}
    assert {row.status for row in read(spark, tmp_path, "runs").collect()} == {"finished"}


def test_a_run_that_keeps_no_rows(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    nothing = CurateConfig(t=1e-9)
    first = curate(spark, small_pool, metadata, str(tmp_path), nothing)
    assert first.counters["kept"] == read(spark, tmp_path).count() == 0
    before = file_times(tmp_path)
    assert curate(spark, small_pool, metadata, str(tmp_path), nothing).already_finished
    with pytest.raises(TableError, match=f"contains the rows of run {first.run_id}"):
        curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    assert file_times(tmp_path) == before


@dataclass(frozen=True)
class Died:
    """Point at which a run fails: the function that raises, and whether its counts are complete by then."""

    name: str
    function: str
    counts_are_whole: bool


DIED = [
    Died("after the counts, before their row", "runs.stored_counts.record", counts_are_whole=False),
    pytest.param(
        Died("before the curated table", "curation.curate.statistics_of", counts_are_whole=True),
        marks=pytest.mark.slow,
    ),
    Died("after the curated table", "runs.run.Run._check_pools", counts_are_whole=True),
    Died("after the size curve, before the run's row", "runs.run.record", counts_are_whole=True),
]


@pytest.fixture(scope="module")
def whole(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CurateReport]:
    """Tables and report of an undisturbed run."""
    output = tmp_path_factory.mktemp("whole")
    return output, curate(spark, small_pool, metadata, str(output), CONFIG)


@pytest.mark.parametrize("case", DIED, ids=lambda case: case.name)
def test_a_failed_run_continues(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: tuple[Path, CurateReport],
    case: Died,
) -> None:
    output = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(f"metaclip_spark.{case.function}", die)
        with pytest.raises(Death):
            curate(spark, small_pool, metadata, str(output), CONFIG)
    report = curate(spark, small_pool, metadata, str(output), CONFIG)
    assert report.counts_reused == case.counts_are_whole
    undisturbed, expected = whole
    assert report.counters == expected.counters
    for name in ("curated", "entry_counts", "size_curve"):
        assert content_digest(read(spark, output, name)) == content_digest(read(spark, undisturbed, name)), name
    assert sorted(row.stage for row in read(spark, output, "runs").collect()) == ["count", "curate"]


def test_files_of_an_interrupted_first_write_are_no_obstacle(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    """A process killed during the first write of the curated table leaves data files and an empty log."""
    output = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(curate_stage, "statistics_of", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            curate(spark, small_pool, metadata, str(output), CONFIG)
    (output / "curated" / "_delta_log").mkdir(parents=True)
    (output / "curated" / "part-00000-0-c000.zstd.parquet").write_bytes(b"PAR1 half")
    report = curate(spark, small_pool, metadata, str(output), CONFIG)
    assert report.counts_reused
    assert read(spark, output).count() == report.counters["kept"]


def foreign_files(_: SparkSession, output: Path) -> None:
    (output / "curated").mkdir(parents=True)
    (output / "curated" / "notes.txt").write_text("mine")


def foreign_table(name: str) -> Callable[[SparkSession, Path], None]:
    return lambda spark, output: spark.range(3).write.format("delta").save(str(output / name))


def foreign_root(spark: SparkSession, output: Path) -> None:
    spark.range(3).write.format("delta").save(str(output))


def root_is_a_file(_: SparkSession, output: Path) -> None:
    output.write_text("mine")


FOREIGN = [
    ("files", foreign_files),
    ("a curated table of somebody else", foreign_table("curated")),
    ("an entry_counts table of somebody else", foreign_table("entry_counts")),
    ("a size_curve table of somebody else", foreign_table("size_curve")),
    ("a runs table of somebody else", foreign_table("runs")),
    ("a table as the root", foreign_root),
    ("a file as the root", root_is_a_file),
]


@pytest.mark.parametrize("overwrite", [False, True], ids=["plain", "overwrite"])
@pytest.mark.parametrize("put", [case[1] for case in FOREIGN], ids=[case[0] for case in FOREIGN])
def test_foreign_files_are_not_touched(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    put: Callable[[SparkSession, Path], None],
    *,
    overwrite: bool,
) -> None:
    put(spark, tmp_path / "out")
    before = file_times(tmp_path)
    with pytest.raises(TableError, match="Choose another root"):
        curate(spark, small_pool, metadata, str(tmp_path / "out"), replace(CONFIG, overwrite=overwrite))
    assert file_times(tmp_path) == before


def test_a_deleted_table_is_written_again(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    first = curate(spark, small_pool, metadata, str(output), CONFIG)
    (output / "curated").rename(tmp_path / "moved")
    again = curate(spark, small_pool, metadata, str(output), CONFIG)
    assert not again.already_finished
    assert read(spark, output).count() == first.counters["kept"]


INPUTS = [
    ("another caption", lambda _: (made_up_table(2_000, seed=1), None)),
    ("other metadata", lambda table: (table, compile_metadata(["w1", "w2"]))),
]


@pytest.mark.parametrize("change", [case[1] for case in INPUTS], ids=[case[0] for case in INPUTS])
def test_another_input_is_another_run(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, change: Callable[..., tuple]
) -> None:
    table = made_up_table(2_000)
    pool = pool_at(write_files(table, tmp_path / "pool"))
    first = curate(spark, pool, metadata, str(tmp_path / "out"), CONFIG)
    changed, other_metadata = change(table)
    for path in (tmp_path / "pool").iterdir():
        path.unlink()
    (tmp_path / "pool").rmdir()
    write_files(changed, tmp_path / "pool")
    config = replace(CONFIG, overwrite=True)
    second = curate(spark, pool, other_metadata or metadata, str(tmp_path / "out"), config)
    assert (second.run_id == first.run_id, second.counts_reused, second.already_finished) == (False, False, False)
    counts = read(spark, tmp_path / "out", "entry_counts")
    assert {row.counts_version for row in counts.collect()} == {first.counts_version, second.counts_version}
