"""Statistics over many runs: sizes, inclusion by probability, nestedness, and the size curve."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pools import made_up_table, pool_at, write_files

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.core.balancing.size_curve import SizeCurve, upper_edge
from metaclip_spark.curation.curate import curate

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark

ROWS = 20_000
CONFIG = CurateConfig(t=40.0)
SEEDS = 20
EDGES = (0.5, 8.0, 33.0, 40.0, 256.0, 10_240.0)


class Runs:
    """Curations of one pool with shared counts."""

    def __init__(self, spark: SparkSession, metadata: CompiledMetadata, pool: Pool, output: Path) -> None:
        self._spark, self._metadata, self._pool, self._output = spark, metadata, pool, output

    def run(self, config: CurateConfig) -> CurateReport:
        config = replace(config, overwrite=True)
        return curate(self._spark, self._pool, self._metadata, str(self._output), config)

    def columns(self, name: str, *columns: str) -> dict[str, np.ndarray]:
        rows = self._spark.read.format("delta").load(str(self._output / name)).select(*columns).toArrow()
        return {column: rows[column].to_numpy() for column in columns}


@pytest.fixture(scope="module")
def runs(spark: SparkSession, metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("statistics")
    pool = pool_at(write_files(made_up_table(ROWS, seed=3), folder / "pool", files=2))
    return Runs(spark, metadata, pool, folder / "out")


@pytest.mark.slow
def test_size_and_inclusion_over_seeds(runs: Runs) -> None:
    """The size of each seed and their mean are within 4 sigma, and each bin of q has the share of kept rows that q "
    "says."""
    sizes = []
    everything = runs.run(replace(CONFIG, t=1e9))
    assert everything.counters["not_drawn"] == 0
    identity = runs.columns("curated", "uid", "matched_entries")
    times_kept = np.zeros(ROWS)
    probability = np.full(ROWS, np.nan)
    for seed in range(SEEDS):
        report = runs.run(replace(CONFIG, seed=seed))
        sizes.append((report.counters["kept"] - report.expected_size) / report.expected_deviation)
        kept = runs.columns("curated", "uid", "probability")
        times_kept[kept["uid"]] += 1
        probability[kept["uid"]] = kept["probability"]
    print("sigma by seed:", ", ".join(f"{size:+.2f}" for size in sizes))
    assert max(map(abs, sizes)) < 4.0
    assert abs(sum(sizes)) / math.sqrt(SEEDS) < 4.0
    # The q of rows that no seed kept comes from the run that keeps all rows.
    counts = runs.columns("entry_counts", "entry_id", "count")
    count_of = dict(zip(counts["entry_id"].tolist(), counts["count"].tolist(), strict=True))
    for uid, ids in zip(identity["uid"], identity["matched_entries"], strict=True):
        expected = 1.0 - math.prod(1.0 - min(1.0, CONFIG.t / count_of[entry]) for entry in ids)
        assert math.isnan(probability[uid]) or math.isclose(probability[uid], expected, rel_tol=1e-12)
        probability[uid] = expected
    matched = probability[identity["uid"]]
    kept_of_matched = times_kept[identity["uid"]]
    assert np.all(kept_of_matched[matched == 1.0] == SEEDS)
    for low, high in zip(np.linspace(0, 1, 11)[:-1], np.linspace(0, 1, 11)[1:], strict=True):
        mine = (matched > low) & (matched <= high) & (matched < 1.0)
        deviation = math.sqrt(SEEDS * float((matched[mine] * (1 - matched[mine])).sum()))
        off = float(kept_of_matched[mine].sum()) - SEEDS * float(matched[mine].sum())
        print(f"q in ({low:.1f}, {high:.1f}]: {mine.sum()} rows, {off / deviation if deviation else 0:+.2f} sigma")
        assert abs(off) <= 4.0 * deviation


@pytest.mark.slow
def test_selections_are_nested_and_the_curve_gives_their_sizes(runs: Runs) -> None:
    """A run at a bin edge keeps as many rows as the curve of another run says, and all rows of smaller runs."""
    runs.run(CONFIG)
    stored = runs.columns("size_curve", "threshold_bin", "rows", "upper_edge")
    curve = SizeCurve.from_bins(stored["threshold_bin"], stored["rows"])
    assert [upper_edge(int(number)) for number in stored["threshold_bin"]] == stored["upper_edge"].tolist()
    smaller: dict[int, float] = {}
    before = 0.0
    for t in EDGES:
        report = runs.run(replace(CONFIG, t=t))
        rows = runs.columns("curated", "uid", "admission_threshold", "draw", "probability")
        kept = dict(zip(rows["uid"].tolist(), rows["admission_threshold"].tolist(), strict=True))
        assert len(kept) == report.counters["kept"] == curve.size_at(t)
        assert (rows["admission_threshold"] <= t).all()
        assert smaller == {uid: threshold for uid, threshold in kept.items() if threshold <= before}
        # u < q explains the decision. At the threshold itself the last bit may differ; the threshold decides.
        assert (rows["draw"] <= rows["probability"] + 1e-12).all()
        off = (report.counters["kept"] - report.expected_size) / max(report.expected_deviation, 1e-9)
        assert abs(off) < 4.0
        smaller, before = kept, t
