"""Choice of t in complete runs: exact sizes, however rows are counted, and the stored size curve."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pools import COLUMNS, made_up_table, pool_at, write_files

from metaclip_spark.audit.sizes import sizes
from metaclip_spark.cli import main
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing import target_size
from metaclip_spark.core.balancing.head_tail import language_threshold, tail_share
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation import choose_t
from metaclip_spark.curation.curate import curate
from metaclip_spark.curation.metadata_checks import metadata_for_pool
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

EVERYTHING = CurateConfig(t=1e9, overwrite=True)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that receives, for each pass over the thresholds, the number of bits it left to decide."""
    shifts: list[int] = []
    measured = choose_t.threshold_histogram

    def counted(pool: object, window: object, shift: int) -> object:
        shifts.append(shift)
        return measured(pool, window, shift)

    monkeypatch.setattr(choose_t, "threshold_histogram", counted)
    return shifts


def column(spark: SparkSession, output: Path, *names: str) -> list[np.ndarray]:
    rows = spark.read.format("delta").load(str(output / "curated")).select(*names).toArrow()
    return [rows[name].to_numpy(zero_copy_only=False) for name in names]


def test_an_exact_size_from_the_stored_curve(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    passes: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    curate(spark, small_pool, metadata, str(tmp_path), EVERYTHING)
    (thresholds,) = column(spark, tmp_path, "admission_threshold")
    thresholds.sort()
    found = sizes(spark, str(tmp_path)).languages["en"]
    assert [point.rows for point in found.points] == [int((thresholds <= point.t).sum()) for point in found.points]
    assert found.matched == len(thresholds)

    config = CurateConfig(target_size=701, overwrite=True)
    report = curate(spark, small_pool, metadata, str(tmp_path), config)
    assert passes == [0]
    assert report.counts_reused
    assert (report.languages["en"].t, report.counters["kept"]) == (thresholds[700], 701)
    assert (report.target_rows, report.expected_size) == (701, pytest.approx(701, abs=4 * report.expected_deviation))
    assert curate(spark, small_pool, metadata, str(tmp_path), config).already_finished

    assert main(["sizes", "--tables", str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["languages"]["en"]
    assert shown["current"] == {"t": thresholds[700], "rows": 701} | {
        k: shown["current"][k] for k in ("head", "tail_share")
    }
    assert [point["rows"] for point in shown["points"]] == [point.rows for point in found.points]

    # Another seed draws other thresholds, so the stored curve cannot be used.
    other = curate(spark, small_pool, metadata, str(tmp_path), replace(config, seed=8))
    assert passes == [0, 46, 0]
    assert other.counters["kept"] == 701


def test_a_share_of_images_with_one_text_each(
    spark: SparkSession,
    small_pool: Pool,
    metadata: CompiledMetadata,
    tmp_path: Path,
    passes: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target_size, "FINEST_ROWS", 1)  # so that a bin is divided step by step
    config = CurateConfig(keep_share=0.2, texts_per_image="one_text_per_image")
    report = curate(spark, small_pool, metadata, str(tmp_path), config)
    assert passes[0] == 46
    assert passes == sorted(passes, reverse=True)
    assert report.counters["not_chosen"] > 0
    assert report.counters["kept"] == report.target_rows == 400
    with pytest.raises(ConfigError, match=r"keep_share = 0\.999 of 2000 rows"):
        curate(spark, small_pool, metadata, str(tmp_path), replace(config, keep_share=0.999, overwrite=True))


@pytest.mark.slow
def test_a_size_over_several_languages(
    spark: SparkSession, metadata: CompiledMetadata, tmp_path: Path, passes: list[int]
) -> None:
    """The smallest t of the reference language that keeps the size, against trying every possible t."""
    table = made_up_table(2_000)
    codes = pa.array(["en" if number % 3 else "de" for number in range(len(table))])
    pool = pool_at(
        write_files(table.append_column("lang", codes), tmp_path / "pool"), replace(COLUMNS, language="lang")
    )
    both = {"en": metadata, "de": compile_metadata([f"w{number}" for number in range(0, 400, 3)], language="de")}
    curate(spark, pool, both, str(tmp_path / "out"), EVERYTHING)
    thresholds, language = column(spark, tmp_path / "out", "admission_threshold", "language")
    stored = spark.read.format("delta").load(str(tmp_path / "out" / "entry_counts")).toPandas()
    counts = {code: stored["count"][stored["language"] == code].to_numpy() for code in both}

    def size_at(t: float) -> int:
        own = {"en": t, "de": language_threshold(counts["de"], tail_share(counts["en"], t)).t}
        return sum(int((thresholds[language == code] <= own[code]).sum()) for code in both)

    tried = np.unique([*thresholds[language == "en"], *np.nextafter(counts["en"].astype(float), np.inf)])
    wanted = 900
    report = curate(spark, pool, both, str(tmp_path / "out"), CurateConfig(target_size=wanted, overwrite=True))
    t = report.languages["en"].t
    assert passes == [46, 0]
    assert report.counters["kept"] == size_at(t) >= wanted
    assert all(size_at(smaller) < wanted for smaller in tried[tried < t])

    shared = curate(spark, pool, both, str(tmp_path / "out"), CurateConfig(tail_share=0.2, overwrite=True))
    for code in both:
        assert shared.languages[code].t == language_threshold(counts[code], 0.2).t


MISFITS: dict[str, tuple[CurateConfig, Callable[[CompiledMetadata], Any], str]] = {
    "t and tail share of one language": (CurateConfig(t=5.0, tail_share=0.1), lambda m: m, "the only language"),
    "a size without the reference": (
        CurateConfig(target_size=5, reference_language="fr"),
        lambda m: {"en": m, "de": m},
        "target_size = 5 needs the tail share of the reference language 'fr'",
    ),
}


@pytest.mark.parametrize(("config", "of", "says"), MISFITS.values(), ids=MISFITS)
def test_a_choice_that_does_not_fit_the_languages(
    small_pool: Pool,
    metadata: CompiledMetadata,
    config: CurateConfig,
    of: Callable[[CompiledMetadata], Any],
    says: str,
) -> None:
    pool = replace(small_pool, columns=replace(COLUMNS, language="lang"))
    with pytest.raises(ConfigError, match=says):
        metadata_for_pool(of(metadata), pool, config)
