"""Append pools whose languages or thresholds differ: the rows equal those of one run over all pools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pools import pool_at, write_files
from split_pools import CONFIG, ROWS, all_of, read, same_figures, split_pools, table_with_odd_captions

from metaclip_spark.audit.explain.explain_caption import explain_uid
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.append.append import append
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.rebalance.rebalance import rebalance

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return table_with_odd_captions()


@pytest.mark.parametrize(
    "reserve", [pytest.param(1.02, marks=pytest.mark.slow), None], ids=["overtaken reserve", "no reserve"]
)
def test_one_language_follows_the_tail_share(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table, *, reserve: float | None
) -> None:
    """Its t rises with the counts above the stored limit, so the old pool is read again."""
    pools = split_pools(tmp_path, table.slice(0, 1_200), (0.5, 0.5))
    out, whole = tmp_path / "out", tmp_path / "whole"
    config = CurateConfig(tail_share=0.3, seed=3)
    fresh = curate(spark, all_of(pools), metadata, str(whole), config)
    before = curate(spark, pools[0], metadata, str(out), config)
    if reserve is not None:
        t = before.languages["en"].t
        assert reserve * t < fresh.languages["en"].t, "the case is about it"
        curate(spark, pools[0], metadata, str(out), replace(config, reserve=reserve * t, overwrite=True))
    report = append(spark, pools[1], metadata, str(out))
    assert "read again for en" in report.origin
    assert read(spark, out) == read(spark, whole)
    same_figures(replace(report, languages={"en": replace(report.languages["en"], reserve_t=None)}), fresh)


@pytest.mark.slow
def test_pools_with_and_without_a_language(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, table: pa.Table
) -> None:
    """One pool has a language column with the only language and others; the other pool has none."""
    table = table.slice(0, 800)
    (silent,) = split_pools(tmp_path, table, (0.5,))
    half = table.slice(400)
    told = half.append_column("lang", pa.array(["en", "xx", None, "en"] * 100))
    path = write_files(told, tmp_path / "told")
    telling = pool_at(path, replace(silent.columns, language="lang"), name="told")
    english = write_files(told.filter(pc.equal(told["lang"], "en")).drop_columns("lang"), tmp_path / "english")
    whole = replace(all_of([silent, pool_at(english)]), name="whole")
    fresh = curate(spark, whole, metadata, str(tmp_path / "whole"), replace(CONFIG, t=60.0))
    expected = read(spark, tmp_path / "whole")
    for number, (first, second) in enumerate(((silent, telling), (telling, silent))):
        out = tmp_path / str(number)
        curate(spark, first, metadata, str(out), CONFIG)
        append(spark, second, metadata, str(out))
        if number == 0:
            larger = rebalance(spark, str(out), 60.0, metadata)
            assert read(spark, out) == expected
            assert larger.counters["kept"] == fresh.counters["kept"]
        for uid, verdict in ((dropped(table.slice(0, 400), expected), "not_drawn"), (401, "language_without_metadata")):
            assert explain_uid(spark, str(out), uid).verdict == verdict


def dropped(pool: pa.Table, kept: pa.Table) -> int:
    """Return the uid of a row that matches a frequent entry and is not kept."""
    common = pool.filter(pc.match_substring_regex(pool["text"], r"(^| )w0( |$)"))
    return int(common.filter(pc.invert(pc.is_in(common["id"], value_set=kept["uid"])))["id"][0].as_py())


@pytest.mark.slow
def test_several_languages(spark: SparkSession, tmp_path: Path, table: pa.Table) -> None:
    """The t of other languages rises; the additional rows come from the reserve, or from the old pool."""
    languages = ["en", "de", "en", "fr", "xx"]
    later = ["de", "fr", "en", "de", "de"]
    half = ROWS // 2
    tagged = [languages[n % 5] if n < half else later[n % 5] for n in range(ROWS)]
    table = table.append_column("lang", pa.array(tagged))
    columns = replace(pool_at(tmp_path).columns, language="lang")
    pools = split_pools(tmp_path, table, (0.5, 0.5), columns)
    lists = {"en": [f"w{n}" for n in range(90)], "de": [f"w{n}" for n in range(60)], "fr": ["w1", "w2", "w300"]}
    metadata = {language: compile_metadata(entries, language=language) for language, entries in lists.items()}
    for name, reserve in (("stored", 1e6), ("again", None)):
        config = replace(CONFIG, reserve=reserve)
        out, whole = tmp_path / name, tmp_path / f"whole {name}"
        before = curate(spark, pools[0], metadata, str(out), config)
        report = append(spark, pools[1], metadata, str(out))
        fresh = curate(spark, all_of(pools), metadata, str(whole), config)
        assert read(spark, out) == read(spark, whole)
        assert report.counters == fresh.counters
        assert {n: replace(own, reserve_t=None) for n, own in report.languages.items()} == {
            n: replace(own, reserve_t=None) for n, own in fresh.languages.items()
        }
        risen = [n for n in metadata if report.languages[n].t > before.languages[n].t]
        assert risen, "the case is about them"
        assert ("read again" in report.origin) == (reserve is None)
