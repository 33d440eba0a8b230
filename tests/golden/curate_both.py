"""Curation of the same rows by Spark and by the plain-Python reference, and the comparison of all results."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference_curation import Pair, ReferenceCuration, image_id, reference_curation

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.core.balancing.size_curve import SizeCurve
from metaclip_spark.curation.curate import curate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import TextsPerImage
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport


@dataclass(frozen=True)
class Row:
    """One stored row of a pool. The text is bytes, which need not be UTF-8."""

    text: bytes | None
    url: str | None
    language: str | None


@dataclass(frozen=True)
class Case:
    """Options of one curation. `binary` texts are stored in a binary column, others in a string column."""

    name: str
    t: float
    uid: Literal["derived", "int", "string"] = "derived"
    texts: TextsPerImage = "all_pairs"
    binary: bool = False
    languages: tuple[str, ...] = ("en", "de")
    seed: int = 0


def make_uids(rows: Sequence[Row], case: Case) -> list[int | str | None] | None:
    """Return a uid column of the case's type, or None for derived uids. Every 40th string is null."""
    if case.uid == "derived":
        return None
    numbers = range(-5, len(rows) - 5)
    return list(numbers) if case.uid == "int" else [None if n % 40 == 0 else f"näme {n}" for n in numbers]


def curate_both(
    spark: SparkSession,
    folder: Path,
    rows: Sequence[Row],
    entries: Mapping[str, Sequence[str]],
    metadata: Mapping[str, CompiledMetadata],
    case: Case,
) -> tuple[CurateReport, ReferenceCuration]:
    """Curate the rows on Spark and in plain Python, and check that rows, counts, figures and curves are equal."""
    uids = make_uids(rows, case)
    texts = pa.array([row.text for row in rows], pa.binary())
    columns = {
        "row": pa.array(range(len(rows)), pa.int32()),
        "caption": texts if case.binary else texts.view(pa.string()),
        "url": pa.array([row.url for row in rows], pa.string()),
        "lang": pa.array([row.language for row in rows], pa.string()),
    } | ({"key": pa.array(uids)} if uids else {})
    pq.write_table(pa.table(columns), folder / "pool.parquet", row_group_size=1_000)
    meanings = PoolColumns(text="caption", image_url="url", language="lang", uid="key" if uids else None)
    pool = Pool(paths=(str(folder / "pool.parquet"),), columns=meanings)
    config = CurateConfig(t=case.t, seed=case.seed, texts_per_image=case.texts)
    chosen = {language: metadata[language] for language in case.languages}
    report = curate(spark, pool, chosen, str(folder / "out"), config)

    lost = {number for number, row in enumerate(rows) if lacks_identity(row, uids[number] if uids else "", case)}
    pairs = [
        Pair(
            None if row.text is None else row.text.decode(errors="surrogateescape"),
            # A row without identity still counts its matches. A unique uid keeps it from competing with other rows.
            uid=f"lost {number}" if number in lost else uids[number] if uids else None,
            image_url=f"lost {number}" if number in lost else row.url or "",
            language=row.language or "",
        )
        for number, row in enumerate(rows)
    ]
    listed = {language: entries[language] for language in case.languages}
    reference = reference_curation(pairs, listed, case.t, seed=case.seed, texts=case.texts)
    check_rows(spark, folder / "out", reference, lost)
    check_counts(spark, folder / "out", reference)
    check_figures(spark, folder / "out", report, reference, lost)
    return report, reference


def lacks_identity(row: Row, uid: int | str | None, case: Case) -> bool:
    """Return whether the row cannot be drawn: it has no uid and no URL to derive one from, or it lacks an image."""
    lacks_image = case.texts == "one_text_per_image" and not (row.url or "").strip(" \t")
    return uid is None or (case.uid == "derived" and not row.url) or lacks_image


def check_rows(spark: SparkSession, output: Path, reference: ReferenceCuration, lost: set[int]) -> None:
    """Check every kept row with its decisions. Rows that repeat URL and text share a uid and are interchangeable."""
    columns = ["row", "uid", "caption", "language", "matched_entries", "probability", "draw", "admission_threshold"]
    table = spark.read.format("delta").load(str(output / "curated")).withColumnRenamed("text", "caption")
    stored = table.withColumn("caption", table.caption.cast("binary")).select(*columns, "image_id").toArrow()
    first: dict[str | int, int] = {}
    for number, row in enumerate(reference.rows):
        first.setdefault(row.uid, number)
    actual = [((first[row["uid"]], *list(row.values())[1:-1]), row["image_id"]) for row in stored.to_pylist()]
    expected = [
        (
            first[row.uid],
            row.uid,
            (row.pair.text or "").encode(errors="surrogateescape"),
            row.pair.language,
            list(row.matched_entries),
            row.probability,
            row.draw,
            row.admission_threshold,
        )
        for number, row in enumerate(reference.rows)
        if row.outcome == "kept" and number not in lost
    ]
    assert len(set(stored["row"].to_pylist())) == len(actual) == len(expected)
    pairs = zip(sorted(row for row, _ in actual), sorted(expected), strict=True)
    assert [(ours, theirs) for ours, theirs in pairs if ours != theirs][:3] == []
    for row, found in actual:
        url = reference.rows[row[0]].pair.image_url
        assert found == (image_id(url) if url.strip("\t ") else None)


def check_counts(spark: SparkSession, output: Path, reference: ReferenceCuration) -> None:
    stored = spark.read.format("delta").load(str(output / "entry_counts")).collect()
    actual = {(row.language, row.entry_id): row["count"] for row in stored}
    assert len(actual) == len(stored)
    assert actual == {
        (language, entry): count
        for language, counts in reference.counts.items()
        for entry, count in enumerate(counts)
        if count
    }


def check_figures(
    spark: SparkSession, output: Path, report: CurateReport, reference: ReferenceCuration, lost: set[int]
) -> None:
    matched = {"kept", "not drawn", "not chosen"}
    outcomes = Counter(
        "no identity" if number in lost and row.outcome in matched else row.outcome
        for number, row in enumerate(reference.rows)
    )
    names = {"null text": "null", "empty text": "empty", "no metadata": "language_without_metadata"}
    expected = {names.get(outcome, outcome.replace(" ", "_")): count for outcome, count in outcomes.items()}
    assert {name: count for name, count in report.counters.items() if count and name != "read"} == expected
    assert report.counters["read"] == len(reference.rows)
    assert {language: figures.t for language, figures in report.languages.items()} == reference.t

    drawn = [r for n, r in enumerate(reference.rows) if r.outcome in {"kept", "not drawn"} and n not in lost]
    assert report.expected_size == pytest.approx(math.fsum(row.probability for row in drawn), abs=1e-6)
    variance = math.fsum(row.probability * (1.0 - row.probability) for row in drawn)
    assert report.expected_deviation == pytest.approx(math.sqrt(variance), abs=1e-6)
    check_curve(spark, output, [(row.pair.language, row.admission_threshold) for row in drawn])


def check_curve(spark: SparkSession, output: Path, thresholds: Iterable[tuple[str, float]]) -> None:
    stored = spark.read.format("delta").load(str(output / "size_curve")).collect()
    by_language: dict[str, list[float]] = {}
    for language, threshold in thresholds:
        by_language.setdefault(language, []).append(threshold)
    assert {row.language for row in stored} == by_language.keys()
    for language, own in by_language.items():
        rows = [row for row in stored if row.language == language]
        curve = SizeCurve.from_bins([row.threshold_bin for row in rows], [row.rows for row in rows])
        assert curve.total == len(own)
        own.sort()
        for row in rows:
            assert curve.size_at(row.upper_edge) == bisect_right(own, row.upper_edge)
