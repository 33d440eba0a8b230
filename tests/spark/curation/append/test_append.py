"""Append: rows, counts and figures equal those of one run over all pools, and no pool is appended twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pools import pool_at, write_files
from process_death import Death, die
from split_pools import CONFIG, OF_THE_RUN, all_of, read, same_figures, split_pools, table_with_odd_captions
from stored_files import file_times

from metaclip_spark.audit.diff.diff import diff
from metaclip_spark.audit.explain.explain_caption import explain_uid
from metaclip_spark.audit.sizes import sizes
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing.rule import admission_threshold, miss_probability
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.file_layouts import PoolRows, pool_rows_of
from metaclip_spark.curation.rebalance.rebalance import rebalance
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs import stored_run
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark


def counts_at(spark: SparkSession, output: Path, report: CurateReport, name: str) -> pa.Table:
    """Return the rows of `entry_counts` or `size_curve` of a counts version."""
    rows = spark.read.format("delta").load(str(output / name)).where(f"counts_version = '{report.counts_version}'")
    by = "entry_id" if name == "entry_counts" else "threshold_bin"
    return rows.drop(*OF_THE_RUN).toArrow().sort_by([("language", "ascending"), (by, "ascending")]).combine_chunks()


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return table_with_odd_captions()


@pytest.mark.slow
def test_three_appends_in_a_row_equal_one_run(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    config = replace(CONFIG, reserve=55.0)
    pools = split_pools(tmp_path, table, (0.4, 0.2, 0.3, 0.1))
    out, whole = tmp_path / "out", tmp_path / "whole"
    base = report = curate(spark, pools[0], metadata, str(out), config)
    for pool in pools[1:]:
        parent, report = report, append(spark, pool, metadata, str(out))
        (run,) = spark.read.format("delta").load(str(out / "runs")).where(f"run_id = '{report.run_id}'").collect()
        assert (run.stage, run.parent_run_id, run.status) == ("append", parent.run_id, "finished")
    fresh = curate(spark, all_of(pools), metadata, str(whole), config)
    for name in ("curated", "reserve"):
        assert read(spark, out, name) == read(spark, whole, name), name
    assert counts_at(spark, out, report, "entry_counts") == counts_at(spark, whole, fresh, "entry_counts")
    same_figures(report, fresh)
    assert report.expected_size is None
    rows = spark.read.format("delta").load(str(out / "curated"))
    assert {row.pool_name for row in rows.select("pool_name").distinct().collect()} == {pool.name for pool in pools}
    assert [row.run_id for row in rows.select("run_id").distinct().collect()] == [report.run_id]
    assert base.counters["kept"] > 0

    # The curve is truncated at the edge below the stored limit, and exact up to there.
    curve = counts_at(spark, out, report, "size_curve")
    assert set(curve["complete_to"].to_pylist()) == {55.0}
    of_whole = counts_at(spark, whole, fresh, "size_curve")
    known = of_whole.filter(pc.less_equal(of_whole["upper_edge"], 55.0))
    assert curve.drop_columns("complete_to") == known.drop_columns("complete_to")
    assert set(of_whole["complete_to"].to_pylist()) == {None}

    # Appended tables can be rebalanced both ways, by filter and by a second pass over all pools.
    for t in (11.0, 80.0):
        moved = rebalance(spark, str(out), t, metadata)
        fresh = curate(spark, all_of(pools), metadata, str(whole), replace(CONFIG, t=t, overwrite=True))
        assert read(spark, out) == read(spark, whole)
        assert moved.counters == fresh.counters


def test_an_appended_pool_is_recognised(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    first, second, third = split_pools(tmp_path, table, (0.4, 0.3, 0.3))
    out = str(tmp_path / "out")
    curate(spark, first, metadata, out, CONFIG)
    done = append(spark, second, metadata, out)
    before = file_times(tmp_path)
    again = append(spark, second, metadata, out)
    assert again == replace(done, already_finished=True, seconds=again.seconds)
    refused = [
        (first, {}, TableError, "part of the curated table already"),
        (second, {"frozen": True}, TableError, "part of the curated table already"),
        (replace(third, name="pool1"), {}, ConfigError, "The pool name 'pool1' belongs to"),
    ]
    for pool, options, kind, message in refused:
        with pytest.raises(kind, match=message):
            append(spark, pool, metadata, out, **options)
    with pytest.raises(InputError, match="'en' is not the metadata"):
        append(spark, third, compile_metadata(["w1"]), out)
    renamed = write_files(table.rename_columns(["id", "image_url", "text", "breadth"]), tmp_path / "renamed")
    with pytest.raises(InputError, match="'width' is missing; 'breadth' is new"):
        append(spark, pool_at(renamed), metadata, out)
    for name in ("SEMANTICS_VERSION", "DRAW_VERSION"):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stored_run, name, "other")
            with pytest.raises(TableError, match=r"used semantics version .* this package uses .*other"):
                append(spark, third, metadata, out)
    assert {path: time for path, time in file_times(tmp_path).items() if "/renamed/" not in path} == before


def test_frozen_counts_balance_the_new_rows_only(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    first, second, third = split_pools(tmp_path, table, (0.3, 0.4, 0.3))
    out = tmp_path / "out"
    base = curate(spark, first, metadata, str(out), CONFIG)
    old = read(spark, out)
    report = append(spark, second, metadata, str(out), frozen=True)
    now = read(spark, out)
    is_old = pc.is_in(now["uid"], value_set=old["uid"])
    assert now.filter(is_old).combine_chunks() == old
    counts = counts_at(spark, out, base, "entry_counts")
    count_of = dict(zip(counts["entry_id"].to_pylist(), counts["count"].to_pylist(), strict=True))
    everything = curate(spark, second, metadata, str(tmp_path / "all"), replace(CONFIG, t=1e9))
    expected = {}
    for row in read(spark, tmp_path / "all").to_pylist():
        own = [count_of.get(entry, 0) for entry in row["matched_entries"]]
        threshold = admission_threshold(own, row["draw"])
        if threshold <= CONFIG.t:
            expected[row["uid"]] = (1.0 - miss_probability(CONFIG.t, own), threshold)
    new = now.filter(pc.invert(is_old)).to_pylist()
    assert {row["uid"]: (row["probability"], row["admission_threshold"]) for row in new} == expected
    assert report.counts_version == base.counts_version
    assert report.counters["read"] == base.counters["read"] + everything.counters["read"]
    assert sum(report.counters.values()) == 2 * report.counters["read"]
    assert report.counters["kept"] == len(now)
    curve = counts_at(spark, out, report, "size_curve")
    assert sum(curve["rows"].to_pylist()) == sum(name.matched for name in report.languages.values())
    # A separate curation with those counts gives the same rows, and its tables do not depend on the others.
    alone = tmp_path / "alone"
    config = replace(CONFIG, counts=f"{out}@{base.counts_version}")
    by_others = curate(spark, second, metadata, str(alone), config)
    assert read(spark, alone).to_pylist() == new
    assert (by_others.counts_version, by_others.matches) == (base.counts_version, everything.matches)
    assert sum(by_others.counters.values()) == 2 * by_others.counters["read"] == 2 * everything.counters["read"]
    assert curate(spark, second, metadata, str(alone), replace(config, counts=str(out))).already_finished
    rebalance(spark, str(alone), 9.0)
    matched = {name: figures.matched for name, figures in everything.languages.items()}
    own = PoolRows(everything.counters["read"], matched, everything.matches)
    assert pool_rows_of(current_run(Tables(spark, str(alone)))) == own, "by which files are laid out"
    assert read(spark, alone)["uid"].to_pylist() == [row["uid"] for row in new if row["admission_threshold"] <= 9.0]
    with pytest.raises(TableError, match="has no counts"):
        curate(spark, second, metadata, str(alone), replace(config, counts=f"{out}@{'0' * 32}", overwrite=True))
    with pytest.raises(ConfigError, match="Frozen counts"):
        append(spark, third, metadata, str(out))
    assert append(spark, third, metadata, str(out), frozen=True).counters["kept"] > len(now)


@pytest.mark.slow
def test_a_t_chosen_by_size_is_kept(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    pools = split_pools(tmp_path, table.slice(0, 1_200), (0.5, 0.5))
    out, whole = tmp_path / "out", tmp_path / "whole"
    config = CurateConfig(target_size=150, reserve=1e6, seed=3)
    before = curate(spark, pools[0], metadata, str(out), config)
    assert before.counters["kept"] == 150
    assert before.reserve_rows == before.counters["not_drawn"] > 0
    report = append(spark, pools[1], metadata, str(out))
    t = before.languages["en"].t
    fresh = curate(spark, all_of(pools), metadata, str(whole), CurateConfig(t=t, reserve=1e6, seed=3))
    for name in ("curated", "reserve"):
        assert read(spark, out, name) == read(spark, whole, name), name
    same_figures(report, fresh)
    assert (before.target_rows, report.target_rows) == (150, None)

    # Readers of runs know all their pools, and where the curve is truncated.
    appended = sizes(spark, str(out)).languages["en"]
    of_whole = sizes(spark, str(whole)).languages["en"]
    assert appended == of_whole, "nothing is missing in the reserve, so that the curve does not end"
    reserve = spark.read.format("delta").load(str(out / "reserve"))
    (row,) = reserve.where("pool_name = 'pool0'").select("uid", "admission_threshold").take(1)
    explained = explain_uid(spark, str(out), row.uid)
    assert (explained.verdict, explained.admission_threshold) == ("not_drawn", row.admission_threshold)
    assert diff(spark, str(out), str(whole)).rows_in_both == report.counters["kept"]

    moved = rebalance(spark, str(out), 2 * t)
    assert moved.counters["kept"] == len(read(spark, out)) > report.counters["kept"]
    with pytest.raises(ConfigError, match=r"reserve = 0\.001 is not above t"):
        curate(spark, pools[0], metadata, str(out), replace(config, reserve=0.001, overwrite=True))


# Before the rows are written, after them, and after the size curve.
DIED = ("curation.append.balance.statistics_of", "runs.run.Run._check_pools", "runs.run.record")


@pytest.mark.slow
@pytest.mark.parametrize(("frozen", "died"), [(False, DIED), (True, DIED[2:])], ids=["counts added", "frozen"])
def test_a_failed_append_is_completed_by_the_same_command(
    spark: SparkSession,
    metadata: CompiledMetadata,
    tmp_path: Path,
    table: pa.Table,
    *,
    frozen: bool,
    died: tuple[str, ...],
) -> None:
    first, second = split_pools(tmp_path, table.slice(0, 1_000), (0.5, 0.5))
    out, whole = tmp_path / "out", tmp_path / "whole"
    before = curate(spark, first, metadata, str(out), CONFIG)
    curate(spark, first, metadata, str(whole), CONFIG)
    expected = append(spark, second, metadata, str(whole), frozen=frozen)
    for function in died:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(f"metaclip_spark.{function}", die)
            with pytest.raises(Death):
                append(spark, second, metadata, str(out), frozen=frozen)
        if function == DIED[0]:
            assert len(read(spark, out)) == before.counters["kept"], "the old version whole"
        else:
            with pytest.raises(TableError, match="has not finished"):
                rebalance(spark, str(out), 5.0)
    report = append(spark, second, metadata, str(out), frozen=frozen)
    for name in ("curated", "entry_counts", "size_curve"):
        assert read(spark, out, name) == read(spark, whole, name), name
    same_figures(report, expected)
    assert report.expected_size == expected.expected_size


@pytest.mark.slow
def test_repeating_the_first_run_keeps_the_append_until_it_has_written(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = split_pools(tmp_path, table, (0.5, 0.5))
    out = str(tmp_path / "out")
    curate(spark, first, metadata, out, CONFIG)
    appended = append(spark, second, metadata, out)
    monkeypatch.setattr("metaclip_spark.curation.curate.write_balanced", die)
    with pytest.raises(Death):
        curate(spark, first, metadata, out, replace(CONFIG, overwrite=True))
    lower = rebalance(spark, out, 5.0)
    assert 0 < lower.counters["kept"] < appended.counters["kept"]


@pytest.mark.slow
def test_a_failed_run_waits_for_its_failed_parent(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    (first,) = split_pools(tmp_path, table, (1.0,))
    out, again = str(tmp_path / "out"), replace(CONFIG, reserve=2 * CONFIG.t, overwrite=True)
    parent = curate(spark, first, metadata, out, again)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("metaclip_spark.runs.run.record", die)
        with pytest.raises(Death):
            rebalance(spark, out, 5.0)
        patched.setattr("metaclip_spark.tables.tables.Tables.replace_table", die)  # after the run is marked restarted
        with pytest.raises(Death):
            curate(spark, first, metadata, out, again)
    says = f"started from run {parent.run_id}, which was restarted and did not finish"
    with pytest.raises(TableError, match=says):
        rebalance(spark, out, 5.0)
    assert curate(spark, first, metadata, out, again).counters == parent.counters
    lower = rebalance(spark, out, 5.0)
    assert lower.counters["kept"] + lower.reserve_rows == parent.counters["kept"] + parent.reserve_rows


def test_one_text_per_image_is_refused(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    first, second = split_pools(tmp_path, table.slice(0, 300), (0.5, 0.5))
    curate(spark, first, metadata, str(tmp_path / "out"), replace(CONFIG, texts_per_image="one_text_per_image"))
    with pytest.raises(ConfigError, match="one text per image"):
        append(spark, second, metadata, str(tmp_path / "out"))
