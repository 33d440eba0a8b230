"""Tests of inspect and diff: every row added or removed has the reason that plain Python gives."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pools import ENTRIES, made_up_table, pool_at, write_files

from metaclip_spark.audit.diff.diff import diff
from metaclip_spark.audit.explain.explain_caption import explain_uid
from metaclip_spark.audit.explain.explain_entry import explain_entry
from metaclip_spark.audit.inspect_tables import inspect
from metaclip_spark.audit.sizes import sizes
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing.rule import admission_threshold
from metaclip_spark.core.draw import draw
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.curate import curate
from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.exports.entry_probabilities import export_entry_probabilities
from metaclip_spark.exports.jsonl import export_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from metaclip_spark.audit.diff.diff_report import DiffReport
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark

ROWS = 2_500
FIRST, SECOND = range(2_000), range(500, ROWS)  # rows of the two pools


class Curations(NamedTuple):
    """Roots: `first` has three versions over the first pool, `second` one over the second, `other` other metadata."""

    first: str
    second: str
    other: str
    reports: list[CurateReport]


@pytest.fixture(scope="module")
def curations(spark: SparkSession, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory) -> Curations:
    folder = tmp_path_factory.mktemp("diff")
    table = made_up_table(ROWS)
    pools = [
        pool_at(write_files(table.slice(rows.start, len(rows)), folder / f"pool-{number}"))
        for number, rows in enumerate((FIRST, SECOND))
    ]
    roots = [str(folder / name) for name in ("first", "second", "other")]
    configs = [CurateConfig(t=20), CurateConfig(t=8, overwrite=True), CurateConfig(t=8, seed=1, overwrite=True)]
    reports = [curate(spark, pools[0], metadata, roots[0], config) for config in configs]
    reports.append(curate(spark, pools[1], metadata, roots[1], configs[0]))
    reports.append(curate(spark, pools[0], compile_metadata(ENTRIES[1:]), roots[2], configs[0]))
    return Curations(*roots, reports)


def rows_and_counts(
    spark: SparkSession, root: str, version: int, run: str
) -> tuple[dict[int, list[int]], dict[int, int]]:
    curated = spark.read.format("delta").option("versionAsOf", version).load(f"{root}/curated")
    counts = spark.read.format("delta").load(f"{root}/entry_counts").where(f"counts_version = '{run}'")
    return (
        {row.uid: row.matched_entries for row in curated.select("uid", "matched_entries").collect()},
        {row.entry_id: row["count"] for row in counts.select("entry_id", "count").collect()},
    )


class Side(NamedTuple):
    rows: dict[int, list[int]]
    counts: dict[int, int]
    pool: range
    t: float
    seed: int

    def keeps(self, uid: int, ids: list[int], *, t: float, seed: int) -> bool:
        return admission_threshold([self.counts.get(entry, 0) for entry in ids], draw(uid, seed)) <= t


def expected(before: Side, after: Side) -> tuple[Counter[str], Counter[str]]:
    """Return the reasons of the added and removed rows, decided row by row."""

    def reason(uid: int, ids: list[int], other: Side, *, added: bool) -> str:
        if uid not in other.pool:
            return "pool"
        states = {
            "other": before.keeps(uid, ids, t=before.t, seed=before.seed),
            "t": before.keeps(uid, ids, t=after.t, seed=before.seed),
            "entry_counts": after.keeps(uid, ids, t=after.t, seed=before.seed),
            "seed": after.keeps(uid, ids, t=after.t, seed=after.seed),
        }
        return next(name for name, kept in states.items() if kept == added)

    added = Counter(reason(u, ids, before, added=True) for u, ids in after.rows.items() if u not in before.rows)
    removed = Counter(reason(u, ids, after, added=False) for u, ids in before.rows.items() if u not in after.rows)
    return added, removed


def reasons(found: DiffReport) -> tuple[dict[str, int], dict[str, int]]:
    assert found.rows_in_both == found.before.rows - sum(move.rows for move in found.rows_removed)
    assert found.rows_in_both == found.after.rows - sum(move.rows for move in found.rows_added)
    return {move.reason: move.rows for move in found.rows_added}, {
        move.reason: move.rows for move in found.rows_removed
    }


@pytest.fixture(scope="module")
def sides(spark: SparkSession, curations: Curations) -> list[Side]:
    """The three versions of the first root, and the second root."""
    reports = curations.reports
    places = [(curations.first, 0), (curations.first, 1), (curations.first, 2), (curations.second, 0)]
    ways = [(FIRST, 20, 0), (FIRST, 8, 0), (FIRST, 8, 1), (SECOND, 20, 0)]
    return [
        Side(*rows_and_counts(spark, root, version, report.counts_version), *way)
        for (root, version), report, way in zip(places, reports, ways, strict=False)
    ]


def test_a_lower_t_only_drops(spark: SparkSession, curations: Curations, sides: list[Side]) -> None:
    found = diff(spark, curations.first, curations.first, before_at=0, after_at=curations.reports[1].run_id[:8])
    assert reasons(found) == expected(*sides[:2]) == ({}, {"t": found.before.rows - found.after.rows})
    assert (found.before.version, found.after.version) == (0, 1)
    assert (found.entries_changed, found.entries) == (0, [])
    (removed,) = found.rows_removed
    assert int(removed.example) in sides[0].rows.keys() - sides[1].rows.keys()


def test_another_seed_draws_other_rows(spark: SparkSession, curations: Curations, sides: list[Side]) -> None:
    found = diff(spark, curations.first, curations.first, before_at=1)
    added, removed = reasons(found)
    assert (added, removed) == expected(*sides[1:3])
    assert added.keys() == removed.keys() == {"seed"}


@pytest.mark.slow
def test_another_pool_adds_rows_and_changes_counts(
    spark: SparkSession, curations: Curations, sides: list[Side]
) -> None:
    found = diff(spark, curations.first, curations.second, before_at=2, top=1_000)
    assert reasons(found) == expected(sides[2], sides[3])
    added, removed = reasons(diff(spark, curations.first, curations.second, before_at=0, top=3))
    assert (added, removed) == expected(sides[0], sides[3])
    assert added.keys() == removed.keys() == {"pool", "entry_counts"}
    changed = {
        ENTRIES[entry]: (sides[2].counts.get(entry, 0), sides[3].counts.get(entry, 0))
        for entry in sides[2].counts.keys() | sides[3].counts.keys()
        if sides[2].counts.get(entry) != sides[3].counts.get(entry)
    }
    assert {move.entry: (move.before, move.after) for move in found.entries} == changed
    distances = [abs(move.after - move.before) for move in found.entries]
    assert distances == sorted(distances, reverse=True)
    assert found.entries_changed == len(changed)
    assert found.entries_added == sum(not old for old, _ in changed.values())
    assert found.entries_removed == sum(not new for _, new in changed.values())
    moved = found.entries[0]
    assert (moved.probability_before, moved.probability_after) == (min(1, 8 / moved.before), min(1, 20 / moved.after))


def test_other_metadata_is_the_only_reason(spark: SparkSession, curations: Curations) -> None:
    found = diff(spark, curations.first, curations.other, before_at=0)
    assert found.languages_with_other_metadata == ["en"]
    added, removed = reasons(found)
    assert added.keys() | removed.keys() == {"metadata"}
    assert [(move.entry, move.after) for move in found.entries] == [("w0", 0)]


def test_rows_under_other_ids_are_not_compared(spark: SparkSession, curations: Curations, example_root: str) -> None:
    with pytest.raises(ConfigError, match=r"takes ids from column 'id', but .* derives ids from URL and text\. Curate"):
        diff(spark, curations.first, example_root)


def test_no_such_version_or_run(spark: SparkSession, curations: Curations) -> None:
    with pytest.raises(TableError, match="versions are 0 to 2"):
        diff(spark, curations.first, curations.first, before_at=3)
    with pytest.raises(TableError, match=curations.reports[0].run_id):
        diff(spark, curations.first, curations.first, before_at="ffffffff")
    with pytest.raises(TableError, match="no curated table"):
        diff(spark, curations.first + "2", curations.first)


@pytest.mark.slow
def test_versions_that_are_gone(
    spark: SparkSession,
    curations: Curations,
    tmp_path: Path,
    change_settings: Callable[[dict[str, str]], None],
) -> None:
    change_settings({"spark.databricks.delta.retentionDurationCheck.enabled": "false"})
    roots = {name: tmp_path / name for name in ("vacuumed", "cleaned", "cut", "lost")}
    for root in roots.values():
        shutil.copytree(curations.first, root)
    curated = {name: root / "curated" for name, root in roots.items()}

    spark.sql(f"VACUUM delta.`{curated['vacuumed']}` RETAIN 0 HOURS")
    vacuumed = str(roots["vacuumed"])
    says = r"Version 0 of .*its file part-.* has been removed.* be read is 2, the newest is 4"  # a VACUUM makes two
    with pytest.raises(TableError, match=says):
        diff(spark, vacuumed, vacuumed, before_at=curations.reports[0].run_id)

    spark.sql(f"ALTER TABLE delta.`{curated['cleaned']}` SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")
    for version in range(3):
        (curated["cleaned"] / "_delta_log" / f"{version:020d}.json").unlink()
    with pytest.raises(TableError, match=r"Version 1 of .*log entries have been removed.* is (\d), the newest is \1"):
        diff(spark, curations.first, str(roots["cleaned"]), after_at=1)
    assert export_jsonl(spark, str(roots["cleaned"]), str(tmp_path / "lines"), columns=["uid"]).rows

    (curated["cut"] / "_delta_log" / f"{0:020d}.json").unlink()
    for file in curated["lost"].glob("*.parquet"):
        file.unlink()
    by_log: tuple[Callable[[str], object], ...] = (  # and the small tables: they open no file of the rows
        lambda root: inspect(spark, root),
        lambda root: sizes(spark, root),
        lambda root: export_entry_probabilities(spark, root, str(tmp_path / "p.npy"), overwrite=True),
    )
    by_rows: tuple[Callable[[str], object], ...] = (
        lambda root: diff(spark, root, curations.first),
        lambda root: explain_uid(spark, root, 1),
        lambda root: explain_entry(spark, root, "w1"),
        lambda root: export_jsonl(spark, root, str(tmp_path / "other")),
    )
    for read in (*by_log, *by_rows):
        with pytest.raises(TableError, match=r"cannot be read in any version: .DELTA_TRUNCATED"):
            read(str(roots["cut"]))
    for read in by_rows:
        with pytest.raises(TableError, match="A file of the tables in"):
            read(str(roots["lost"]))
    for read in by_log:
        read(str(roots["lost"]))


def test_inspect_reads_a_root_or_one_table(spark: SparkSession, curations: Curations) -> None:
    report = curations.reports[2]
    found = inspect(spark, curations.first, top=5)
    tables = {table.name: table for table in found.tables}
    assert tables.keys() == {"curated", "entry_counts", "size_curve", "runs"}
    curated = tables["curated"]
    assert (curated.rows, curated.versions) == (report.counters["kept"], 3)
    assert [version.run_id for version in curated.last_versions] == [r.run_id for r in curations.reports[2::-1]]
    assert curated.last_versions[0].rows == curated.rows
    assert curated.files >= 1
    assert curated.bytes > 0
    assert [run.stage for run in found.runs] == ["curate", "curate", "curate", "count"]
    (current,) = [run for run in found.runs if run.current]
    assert (current.run_id, current.counters, current.seed) == (report.run_id, report.counters, 1)
    (english,) = found.languages
    figures = report.languages["en"]
    assert english.report == figures
    assert [(entry, count) for _, entry, count in english.top_entries] == figures.top_entries[:5]
    assert [ENTRIES[entry_id] for entry_id, *_ in english.top_entries] == [e for e, _ in figures.top_entries[:5]]
    one = inspect(spark, f"{curations.first}/curated", top=0)
    assert [table.name for table in one.tables] == ["curated"]
    with pytest.raises(TableError, match="none of the tables that curate writes"):
        inspect(spark, f"{curations.first}/curated/_delta_log")
    with pytest.raises(ConfigError, match="-1"):
        inspect(spark, curations.first, top=-1)


def test_on_the_command_line(curations: Curations, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["inspect", "--tables", curations.first, "--top", "2"]) == 0
    shown = capsys.readouterr().out
    assert not [p for p in ("never matched", "Runs, newest first", " threshold above t ", "rank") if p not in shown]
    assert main(["inspect", "--tables", curations.first, "--json"]) == 0
    versions = {table["name"]: table["versions"] for table in json.loads(capsys.readouterr().out)["tables"]}
    assert versions["curated"] == 3
    assert main(["diff", "--tables", f"{curations.first}@0", f"{curations.first}@{curations.reports[1].run_id}"]) == 0
    assert "t fell below their admission threshold" in capsys.readouterr().out
    assert main(["diff", "--tables", f"{curations.first}@0", curations.first, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"]["version"] == 2


def test_a_pool_that_is_gone(spark: SparkSession, curations: Curations) -> None:
    pool = Path(curations.second).with_name("pool-1")
    away = pool.rename(pool.with_name("away"))
    try:
        found = diff(spark, curations.first, curations.second, before_at=0)
    finally:
        away.rename(pool)
    assert len(found.unreadable_pools) == 1
    assert reasons(found)[1].keys() <= {"entry_counts", "other"}


def test_a_run_that_did_not_finish(spark: SparkSession, curations: Curations, tmp_path: Path) -> None:
    root = str(shutil.copytree(curations.second, tmp_path / "second"))
    run_id = curations.reports[3].run_id
    spark.sql(f"DELETE FROM delta.`{root}/runs` WHERE run_id = '{run_id}'")
    unfinished = inspect(spark, root)
    assert (unfinished.unfinished_run, unfinished.languages) == (run_id, [])
