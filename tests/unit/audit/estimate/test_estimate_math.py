"""Tests of an estimate without Spark: sampling by hash, probabilities of rare entries, run time, the report."""

from __future__ import annotations

import json

import numpy as np
import pytest

from metaclip_spark.audit.estimate.estimate_report import (
    EstimateReport,
    Interval,
    LanguageEstimate,
    SizeEstimate,
)
from metaclip_spark.audit.estimate.estimate_text import render_estimate
from metaclip_spark.audit.estimate.run_time import complete_run
from metaclip_spark.core.balancing.target_size import FINEST_ROWS, Window, histogram, histograms_needed, min_t
from metaclip_spark.core.draw import draw
from metaclip_spark.core.estimation.row_sample import in_sample
from metaclip_spark.core.estimation.sample_probabilities import sample_probabilities


def test_a_greater_sample_contains_the_smaller_and_its_draws_are_uniform() -> None:
    rows = range(4_000)
    small, great = ({uid for uid in rows if in_sample(uid, 3, share)} for share in (0.1, 0.3))
    assert small < great
    assert abs(len(small) - 400) < 4 * 19
    assert abs(len(great) - 1_200) < 4 * 29
    assert small != {uid for uid in rows if in_sample(uid, 4, 0.1)}
    mean = np.mean([draw(uid, 3) for uid in great])
    assert abs(mean - 0.5) < 4 * 12**-0.5 / len(great) ** 0.5


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_probabilities_of_rare_entries_are_right_on_average(share: float) -> None:
    """Over entries seen x times, the mean estimate equals the mean true p; plain scaling is far off."""
    rng = np.random.default_rng(5)
    counts = np.minimum(rng.zipf(1.9, 200_000), 10**6)
    seen = rng.binomial(counts, share)
    ts = [5.0, 2.0 / share, 50.0 / share]
    values, p = sample_probabilities(seen, ts, share)
    place = np.searchsorted(values, seen)
    assert p.min() > 0
    assert p.max() <= 1
    for row, t in zip(p, ts, strict=True):
        truth = np.minimum(1.0, t / counts)
        for few in (1, 2, 5):
            mine = seen == few
            assert abs(row[place[mine]].mean() - truth[mine].mean()) < 0.08, (t, few, mine.sum())
    plain = np.minimum(1.0, ts[0] * share / np.maximum(seen, 1))
    assert plain[seen == 1].mean() < 0.6


def test_frequent_entries_are_scaled() -> None:
    values, p = sample_probabilities(np.array([0, 1_000, 40_000]), [20_000.0], 0.01)
    assert values.tolist() == [0, 1_000, 40_000]
    assert p[0, 1:] == pytest.approx([0.2, 0.005])


def test_a_run_that_chooses_t_by_size_reads_the_pool_more_often() -> None:
    """As many histograms as choosing takes, of thresholds spread evenly over an octave."""
    for rows in (50_000, FINEST_ROWS * 200):
        thresholds = 1.0 + np.arange(rows // 1_000) / (rows // 1_000)
        taken: list[int] = []

        def measure(window: Window, shift: int, thresholds: np.ndarray = thresholds) -> tuple[np.ndarray, np.ndarray]:
            taken.append(shift)  # noqa: B023 - called within this round only
            prefixes, found = histogram(thresholds, window, shift)
            return prefixes, found * 1_000

        min_t(rows // 2, measure)
        assert histograms_needed(rows) == len(taken)
    # Reading, matching once to count and twice as long to balance; then twice more to measure thresholds.
    assert complete_run(5.0, 20.0, 30.0, 0) == 2 * 5 + 3 * 20
    assert complete_run(5.0, 20.0, 30.0, 2) == 4 * 5 + 3 * 20 + 2 * 30


REPORT = EstimateReport(
    share=0.001,
    seed=7,
    read=1_000_000,
    without_caption=30_000,
    sampled=1_003,
    matched=Interval(480_000.0, 450_000.0, 510_000.0),
    matches=Interval(1_700_000.0, 1_500_000.0, 1_900_000.0),
    languages={"en": LanguageEstimate(812, 0.21, [("photo", Interval(90_000.0, 80_000.0, 100_000.0))])},
    size=SizeEstimate(2_000.0, Interval(210_000.0, 190_000.0, 230_000.0), 2.0),
    target_rows=None,
    sizes=[SizeEstimate(1_024.0, Interval(150_000.0, 140_000.0, 160_000.0), 1.024)],
    passes=4,
    run_seconds=None,
    table_bytes=Interval(2.1e7, 1.1e7, 3.2e7),
    seconds={"open": 1.0},
)


def test_estimates_are_shown_with_their_errors() -> None:
    shown = [" ".join(line.split()) for line in render_estimate(REPORT).splitlines()]
    for line in (
        "Estimated from 1,003 of 1,000,000 rows (0.1 %)",
        "At t = 2,000 a run keeps 210,000 ± 20,000 rows (21.0 %)",
        "matching rows 480,000 ± 30,000 48.0 % of read",
        "rows without caption 30,000 3.0 % of read, exact",
        "run time unknown on this session, 4 passes; the time of writing is assumed",
        "Entries: 812 matched in the sample; others have about 21.0 % of the matches",
        "photo 90,000 ± 10,000",
        "1,024 150,000 140,000 160,000 15.0 %",
    ):
        assert line in shown, line
    assert any("t corresponds to only 2 matches" in line for line in shown)


def test_estimates_as_data() -> None:
    data = json.loads(json.dumps(REPORT.as_dict()))
    assert data["size"]["rows"] == {"value": 210_000.0, "low": 190_000.0, "high": 230_000.0}
    assert data["languages"]["en"]["top_entries"][0][1]["value"] == 90_000.0
