"""Rebalance: rows, counters and figures equal those of a fresh run at the same t, by either way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pools import made_up_table, pool_at, write_files
from process_death import Death, die
from stored_files import file_times

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.rebalance.rebalance import rebalance
from metaclip_spark.errors import ConfigError, InputError, TableError
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark

CONFIG = CurateConfig(t=30.0, seed=3)
RESERVE = 60.0


def rows(spark: SparkSession, output: Path, name: str = "curated") -> pa.Table:
    """Return rows by uid, without their run id."""
    table = spark.read.format("delta").load(str(output / name)).drop("run_id").toArrow()
    return table.sort_by("uid").combine_chunks()


class Fresh:
    """Fresh runs over one pool at several t, to compare with rebalanced ones."""

    def __init__(self, spark: SparkSession, pool: Pool, metadata: CompiledMetadata, output: Path) -> None:
        self._arguments = (spark, pool, metadata, str(output))
        self._spark, self._output = spark, output
        self._known: dict[float, tuple[pa.Table, CurateReport]] = {}

    def at(self, t: float) -> tuple[pa.Table, CurateReport]:
        if t not in self._known:
            report = curate(*self._arguments, replace(CONFIG, t=t, overwrite=True))
            self._known[t] = rows(self._spark, self._output), report
        return self._known[t]


@pytest.fixture(scope="module")
def fresh(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> Fresh:
    return Fresh(spark, small_pool, metadata, tmp_path_factory.mktemp("fresh"))


def same_figures(ours: CurateReport, fresh: CurateReport) -> None:
    assert ours.counters == fresh.counters
    languages = {name: replace(figures, reserve_t=None) for name, figures in ours.languages.items()}
    assert languages == fresh.languages
    assert ours.expected_size in {None, fresh.expected_size}


def test_to_a_smaller_t_is_a_filter_of_the_rows(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path, fresh: Fresh
) -> None:
    first = curate(spark, small_pool, metadata, str(tmp_path), CONFIG)
    smaller = rebalance(spark, str(tmp_path), 12.5)
    expected, report = fresh.at(12.5)
    assert rows(spark, tmp_path) == expected
    same_figures(smaller, report)
    (run,) = (run for run in stored_runs(spark, tmp_path) if run.run_id == smaller.run_id)
    assert (run.stage, run.parent_run_id, run.t, run.status) == ("rebalance", first.run_id, {"en": 12.5}, "finished")
    assert run.counters == smaller.counters
    assert current_run(Tables(spark, str(tmp_path))).pool == small_pool
    comments = {field.name: field.metadata.get("comment") for field in spark_schema(spark, tmp_path)}
    assert [name for name, comment in comments.items() if not comment and name != "width"] == []

    before = file_times(tmp_path)
    again = rebalance(spark, str(tmp_path), 12.5)
    assert again == replace(smaller, already_finished=True, seconds=again.seconds)
    assert file_times(tmp_path) == before
    with pytest.raises(ConfigError, match=r"beyond the stored rows.*metadata"):
        rebalance(spark, str(tmp_path), 13.0)
    with pytest.raises(InputError, match="'en' is not the metadata"):
        rebalance(spark, str(tmp_path), 13.0, compile_metadata(["w1"]))
    with pytest.raises(ConfigError, match="not a threshold"):
        rebalance(spark, str(tmp_path), float("nan"))
    assert file_times(tmp_path) == before

    larger = rebalance(spark, str(tmp_path), 44.0, metadata)
    expected, report = fresh.at(44.0)
    assert rows(spark, tmp_path) == expected
    same_figures(larger, report)
    assert larger.expected_size == report.expected_size


def test_rows_move_between_curated_and_reserve(
    spark: SparkSession, small_pool: Pool, metadata: CompiledMetadata, tmp_path: Path, fresh: Fresh
) -> None:
    config = replace(CONFIG, reserve=RESERVE)
    first = curate(spark, small_pool, metadata, str(tmp_path), config)
    everything, _ = fresh.at(RESERVE)
    for t in (CONFIG.t, 12.5, 44.0):
        report = first if t == CONFIG.t else rebalance(spark, str(tmp_path), t)
        expected, fresh_report = fresh.at(t)
        assert rows(spark, tmp_path) == expected
        same_figures(report, fresh_report)
        reserve = rows(spark, tmp_path, "reserve")
        above = everything.filter(pc.greater(everything["admission_threshold"], t))
        assert reserve.drop_columns("probability") == above.drop_columns("probability")
        assert (report.reserve_rows, report.languages["en"].reserve_t) == (len(reserve), RESERVE)
    ended = rebalance(spark, str(tmp_path), RESERVE)
    assert rows(spark, tmp_path) == everything
    assert (len(rows(spark, tmp_path, "reserve")), ended.reserve_rows, ended.languages["en"].reserve_t) == (0, 0, None)


@pytest.mark.slow
def test_a_failed_rebalance_is_completed_by_the_same_command(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: Fresh,
) -> None:
    """Up and down, failing between the two tables and before the record; another t in between is refused or "
    "completed."""
    curate(spark, small_pool, metadata, str(tmp_path), replace(CONFIG, reserve=RESERVE))
    replaced = Tables.replace
    for t, other in ((12.5, 44.0), (44.0, 12.5)):
        died_at = []

        def replace_once(self: Tables, name: str, *arguments: object, _died: list = died_at, **named: object) -> object:
            if _died:
                raise Death
            _died.append(name)
            return replaced(self, name, *arguments, **named)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(Tables, "replace", replace_once)
            with pytest.raises(Death):
                rebalance(spark, str(tmp_path), t)
        assert died_at == (["reserve"] if t == 12.5 else ["curated"])
        if died_at == ["curated"]:  # its rows belong to no finished run
            with pytest.raises(TableError, match="has not finished"):
                rebalance(spark, str(tmp_path), other)
        with monkeypatch.context() as patched:
            patched.setattr("metaclip_spark.runs.run.record", die)
            with pytest.raises(Death):
                rebalance(spark, str(tmp_path), t)
        report = rebalance(spark, str(tmp_path), t)
        expected, fresh_report = fresh.at(t)
        assert rows(spark, tmp_path) == expected
        same_figures(report, fresh_report)
        assert len(rows(spark, tmp_path, "reserve")) == report.reserve_rows == len(fresh.at(RESERVE)[0]) - len(expected)
    curate(spark, small_pool, metadata, str(tmp_path), replace(CONFIG, overwrite=True))
    assert len(rows(spark, tmp_path, "reserve")) == 0, "another run's reserve is none of this one's"


@pytest.mark.slow
def test_several_languages_follow_the_tail_share(spark: SparkSession, tmp_path: Path) -> None:
    table = made_up_table(2_000)
    table = table.append_column("lang", pa.array(["en", "de", "en", "fr"] * 500))
    columns = replace(pool_at(tmp_path).columns, language="lang")
    pool = pool_at(write_files(table, tmp_path / "pool"), columns)
    lists = {"en": (f"w{n}" for n in range(90)), "de": (f"w{n}" for n in range(60)), "fr": ["w1", "w2", "w300"]}
    metadata = {language: compile_metadata(list(entries), language=language) for language, entries in lists.items()}
    for t, reserve, to in ((40.0, None, 11.0), (40.0, 90.0, 70.0)):
        config = replace(CONFIG, t=t, reserve=reserve, overwrite=True)
        curate(spark, pool, metadata, str(tmp_path / "out"), config)
        report = rebalance(spark, str(tmp_path / "out"), to)
        fresh = curate(spark, pool, metadata, str(tmp_path / "fresh"), replace(CONFIG, t=to, overwrite=True))
        assert len({fresh.languages[name].t for name in metadata}) > 1
        assert rows(spark, tmp_path / "out") == rows(spark, tmp_path / "fresh")
        same_figures(report, fresh)


@pytest.mark.slow
def test_frozen_counts_of_another_pool(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    """The rows equal those of a curation with these counts, which later rebalances use as well."""
    table = made_up_table(1_200)
    pool, counted = (
        pool_at(write_files(part, tmp_path / name)) for name, part in (("pool", table[:500]), ("counted", table[500:]))
    )
    out, whole, place = tmp_path / "out", tmp_path / "whole", str(tmp_path / "other")
    counts = curate(spark, counted, metadata, place, CONFIG).counts_version
    first = curate(spark, pool, metadata, str(out), CONFIG)
    before = file_times(out)
    with pytest.raises(ConfigError, match="Pass the metadata"):
        rebalance(spark, str(out), 25.0, counts=place)
    with pytest.raises(InputError, match="are of other metadata"):
        rebalance(spark, str(out), 25.0, compile_metadata(["w1"]), counts=place)
    assert file_times(out) == before

    fresh = curate(spark, pool, metadata, str(whole), replace(CONFIG, t=25.0, counts=place))
    report = rebalance(spark, str(out), 25.0, metadata, counts=place)
    assert rows(spark, out) == rows(spark, whole)
    same_figures(report, fresh)
    assert (report.counts_version, report.matches, report.expected_size) == (counts, fresh.matches, fresh.expected_size)
    (run,) = (run for run in stored_runs(spark, out) if run.run_id == report.run_id)
    assert (run.stage, run.parent_run_id, run.counts_version) == ("rebalance", first.run_id, counts)
    assert rebalance(spark, str(out), 25.0, metadata, counts=f"{place}@{counts}").already_finished
    smaller = rebalance(spark, str(out), 9.0)
    assert smaller.counts_version == counts
    kept = rows(spark, whole)
    assert rows(spark, out)["uid"] == kept.filter(pc.less_equal(kept["admission_threshold"], 9.0))["uid"]


def test_a_changed_pool_is_not_read_again(spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path) -> None:
    pool = pool_at(write_files(made_up_table(300), tmp_path / "pool"))
    curate(spark, pool, metadata, str(tmp_path / "out"), CONFIG)
    before = rows(spark, tmp_path / "out")
    write_files(made_up_table(300), tmp_path / "pool" / "more")
    (tmp_path / "pool" / "more" / "part-00000.parquet").rename(tmp_path / "pool" / "part-00001.parquet")
    with pytest.raises(InputError, match=r"has changed since run .* read it"):
        rebalance(spark, str(tmp_path / "out"), 60.0, metadata)
    assert rows(spark, tmp_path / "out") == before


def test_without_a_curated_table(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no curated table"):
        rebalance(spark, str(tmp_path / "nothing"), 10.0)


def stored_runs(spark: SparkSession, output: Path) -> list:
    return spark.read.format("delta").load(str(output / "runs")).collect()


def spark_schema(spark: SparkSession, output: Path):  # noqa: ANN201 - StructType
    return spark.read.format("delta").load(str(output / "curated")).schema
