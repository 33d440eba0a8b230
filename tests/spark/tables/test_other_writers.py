"""Other writers of the same tables: runs at the same time, rows deleted, files compacted, versions restored."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from pools import made_up_table, pool_at, write_files
from process_death import Death, die

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.curation.append import balance as appending
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.rebalance import by_filter as rebalancing
from metaclip_spark.curation.rebalance.rebalance import rebalance
from metaclip_spark.errors import TableError
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.tables import table_writes
from metaclip_spark.tables.file_layout import FileLayout
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

CONFIG = CurateConfig(t=30.0, reserve=60.0, seed=3)


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> list[Pool]:
    folder, rows = tmp_path_factory.mktemp("pools"), made_up_table(1_200, seed=5)
    return [
        pool_at(write_files(rows.slice(600 * part, 600), folder / str(part), files=2), None, name=str(part))
        for part in range(2)
    ]


@pytest.fixture(scope="module")
def curated(
    spark: SparkSession, metadata: CompiledMetadata, pools: list[Pool], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("curated") / "tables"
    curate(spark, pools[0], metadata, str(out), CONFIG)
    return out


@pytest.fixture
def out(curated: Path, tmp_path: Path) -> Path:
    """Return a copy of the tables of a finished curation."""
    return shutil.copytree(curated, tmp_path / "tables")


def uids(spark: SparkSession, out: Path, name: str = "curated") -> set[str]:
    return {str(row.uid) for row in spark.read.format("delta").load(str(out / name)).select("uid").collect()}


def meanwhile(patched: pytest.MonkeyPatch, module: Any, name: str, action: Callable[[], Any]) -> None:
    """Call a function in the middle of a run, before it writes."""
    original, done = getattr(module, name), []

    def first_the_other(*arguments: Any, **options: Any) -> Any:
        if not done:
            done.append(True)
            action()
        return original(*arguments, **options)

    patched.setattr(module, name, first_the_other)


def test_a_run_never_overwrites_another_that_finished_meanwhile(
    spark: SparkSession, metadata: CompiledMetadata, pools: list[Pool], out: Path
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        meanwhile(patched, appending, "file_layouts", lambda: rebalance(spark, str(out), 12.0))
        with pytest.raises(TableError, match=r"version \d+ \(WRITE\) of .*Nothing of this run is in it"):
            append(spark, pools[1], metadata, str(out))
    tables = Tables(spark, str(out))
    assert current_run(tables).t == {"en": 12.0}
    after = append(spark, pools[1], metadata, str(out))
    assert current_run(tables).run_id == after.run_id

    before = uids(spark, out)
    with pytest.MonkeyPatch.context() as patched:
        delete = f"DELETE FROM delta.`{out}/curated` WHERE uid = '{min(before)}'"
        meanwhile(patched, rebalancing, "balance_on_executors", lambda: spark.sql(delete))
        with pytest.raises(TableError, match=r"\(DELETE\)"):
            rebalance(spark, str(out), 8.0)
    assert uids(spark, out) == before - {min(before)}


def test_a_commit_at_the_last_moment_is_not_overwritten(spark: SparkSession, tmp_path: Path) -> None:
    tables, layout = Tables(spark, str(tmp_path)), FileLayout(compression="zstd", file_bytes=1 << 28)

    def write(run: str, after: int) -> int:
        rows = spark.range(3).selectExpr(
            "id AS uid", "1D AS probability", "0.5D AS draw", "1D AS admission_threshold",
            "array(1) AS matched_entries",
            "'en' AS language", "'' AS pool_name", "'' AS counts_version", "'' AS metadata_digest",
            f"'{run}' AS run_id",
        )  # fmt: skip
        return tables.replace_table(CURATED, rows, run_id=run, layout=layout, after=after).version

    first, second = "a" * 32, "b" * 32
    assert write(first, -1) == 0
    with pytest.MonkeyPatch.context() as patched:  # both looked before either wrote
        patched.setattr(table_writes, "check_unchanged", lambda *_: None)
        with pytest.raises(TableError, match="Nothing of this run is in it"):
            write(second, -1)
    assert tables.state(CURATED) == (0, first)
    assert write(second, 0) == 1
    assert write(second, 1) == 2
    assert tables.state(CURATED) == (2, second)
    assert tables.last_version_of(CURATED, first, 0) == 0
    assert tables.last_version_of(CURATED, second, 1) == 2


@pytest.mark.slow
def test_deleted_rows_stay_deleted_and_compacted_files_are_recognised(
    spark: SparkSession, metadata: CompiledMetadata, pools: list[Pool], out: Path
) -> None:
    gone, *_, also = sorted(uids(spark, out))
    spark.sql(f"OPTIMIZE delta.`{out}/curated`")
    spark.sql(f"DELETE FROM delta.`{out}/curated` WHERE uid = '{gone}'")
    kept = len(uids(spark, out))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("metaclip_spark.runs.run.record", die)
        with pytest.raises(Death):
            rebalance(spark, str(out), 29.0)
    # The command line is given again, and starts from what was there before it.
    again = rebalance(spark, str(out), 29.0)
    assert gone not in uids(spark, out)
    assert again.counters["kept"] == len(uids(spark, out)) <= kept

    spark.sql(f"DELETE FROM delta.`{out}/curated` WHERE uid = '{also}'")
    kept = len(uids(spark, out))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("metaclip_spark.runs.run.record", die)
        with pytest.raises(Death):
            append(spark, pools[1], metadata, str(out), frozen=True)
    joined = append(spark, pools[1], metadata, str(out), frozen=True)
    assert not {gone, also} & uids(spark, out)
    assert joined.counters["kept"] == len(uids(spark, out)) > kept


def test_a_run_that_cannot_be_completed_can_be_undone(spark: SparkSession, out: Path) -> None:
    before = uids(spark, out)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("metaclip_spark.runs.run.record", die)
        with pytest.raises(Death):
            rebalance(spark, str(out), 7.0)
    assert uids(spark, out) < before
    with pytest.raises(TableError, match="RESTORE TABLE") as refused:
        rebalance(spark, str(out), 9.0)
    spark.sql(str(refused.value)[str(refused.value).index("RESTORE TABLE") :])
    assert uids(spark, out) == before
    moved = rebalance(spark, str(out), 9.0)
    assert moved.counters["kept"] == len(uids(spark, out))
    assert uids(spark, out) | uids(spark, out, "reserve") >= before


def test_a_missing_reserve_is_an_error(spark: SparkSession, out: Path) -> None:
    shutil.rmtree(out / "reserve")
    with pytest.raises(TableError, match="reserve, which no longer exists"):
        rebalance(spark, str(out), 44.0)
