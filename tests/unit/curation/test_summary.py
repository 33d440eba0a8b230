"""Tests that the summary shows every figure of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from metaclip_spark.curation.summary import render_summary
from metaclip_spark.runs.report import CurateReport, LanguageReport

ENGLISH = LanguageReport(
    t=20_000.0,
    entries=500_000,
    head=16_000,
    tail=370_000,
    never_matched=114_000,
    matches=3_000_000,
    head_matches=2_835_000,
    tail_share=0.055,
    matched=1_000_000,
    kept=250_000,
    top_entries=[(f"entry {place}", 10**6 // place) for place in range(1, 21)],
)
REPORT = CurateReport(
    run_id="run-1",
    counts_version="counts-1",
    already_finished=False,
    counts_reused=False,
    counters={
        "read": 2_000_000,
        "null": 11,
        "empty": 22,
        "language_without_metadata": 33,
        "unmatched": 999_834,
        "no_identity": 44,
        "not_chosen": 55,
        "not_drawn": 750_001,
        "kept": 250_000,
    },
    matches=3_000_000,
    expected_size=249_500.4,
    expected_deviation=250.0,
    languages={"en": ENGLISH},
    tables={"curated": "out/curated", "runs": "out/runs"},
    output_versions={"curated": 3},
    seconds={"count": 1.5, "keep": 2.25},
    seed=7,
    texts_per_image="all_pairs",
)


def lines_with(text: str, report: CurateReport = REPORT) -> list[str]:
    return [" ".join(line.split()) for line in render_summary(report).splitlines() if text in line]


SHOWN = [
    ("Kept", "Kept 250,000 of 2,000,000 rows (12.5 %)"),
    ("= kept", "= kept 250,000 12.5 %"),
    ("above t", "- threshold above t 750,001 37.5 %"),
    ("is null", "- caption is null 11 <0.001 %"),
    ("matching captions", "matching captions 1,000,000 50.0 % of read"),
    ("per matching", "matches 3,000,000 3.00 per matching caption"),
    ("expected size", "expected size 249,500 ± 250"),
    ("actual size", "actual size 250,000 +500 rows, +2.00 standard deviations"),
    ("head", "head (count >= 20,000) 16,000 3.2 % 2,835,000 94.5 %"),
    ("tail", "tail (count < 20,000) 370,000 74.0 % 165,000 5.5 %"),
    ("never", "never matched 114,000 22.8 % 0 0.0 %"),
    ("20.", "5. entry 5 200,000 10. entry 10 100,000 15. entry 15 66,666 20. entry 20 50,000"),
    ("out/curated ", "curated out/curated version 3"),
    ("3.8 s", "time 3.8 s (count 1.5, keep 2.2)"),
    ("run-1", "id run-1"),
    ("seed", "seed 7"),
]


@pytest.mark.parametrize(("where", "expected"), SHOWN, ids=[where for where, _ in SHOWN])
def test_shown(where: str, expected: str) -> None:
    assert expected in lines_with(where)


def test_rows_add_up() -> None:
    assert lines_with("unaccounted") == []


def test_outcomes_without_rows_are_left_out() -> None:
    counters = REPORT.counters | {"null": 0, "not_drawn": REPORT.counters["not_drawn"] + 11}
    assert lines_with("is null", replace(REPORT, counters=counters)) == []


def test_rows_that_do_not_add_up_are_not_hidden() -> None:
    wrong = replace(REPORT, counters=REPORT.counters | {"not_drawn": 750_000})
    assert lines_with("unaccounted", wrong) == ["! unaccounted for 1 <0.001 %"]


STATES: list[tuple[dict[str, Any], str]] = [
    ({"already_finished": True}, "finished before"),
    ({"counts_reused": True}, "earlier, unfinished run"),
    ({"origin": "Rebalanced from t = 5."}, "Rebalanced from t = 5."),
    ({"reserve_rows": 12}, "reserve 12 rows above t"),
    ({"expected_size": None, "expected_deviation": None}, "expected size unknown"),
]


@pytest.mark.parametrize(("change", "says"), STATES)
def test_state_of_the_run_is_shown(change: dict[str, Any], says: str) -> None:
    assert lines_with(says) == []
    report = replace(REPORT, **change)
    shown = [line for line in map(str.split, render_summary(report).splitlines()) if says in " ".join(line)]
    assert len(shown) == 1
    assert CurateReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_several_languages_are_distinguished() -> None:
    german = replace(ENGLISH, t=170.0, matches=5, top_entries=[("Haus", 5)])
    text = render_summary(replace(REPORT, languages={"de": german, "en": ENGLISH}))
    assert "Entries (de)" in text
    assert "head (count >= 170)" in text
    assert "Most frequent entries (en)" in text
    assert "Haus" not in text


def test_empty_pool() -> None:
    nothing = replace(
        REPORT, counters=dict.fromkeys(REPORT.counters, 0), languages={}, matches=0, expected_deviation=0.0
    )
    assert lines_with("Kept", nothing) == ["Kept 0 of 0 rows"]


def test_no_line_ends_in_blanks() -> None:
    assert [line for line in render_summary(REPORT).splitlines() if line != line.rstrip()] == []


def test_report_survives_json() -> None:
    assert CurateReport.from_dict(json.loads(json.dumps(REPORT.as_dict()))) == REPORT
