"""The whole job on Spark against the plain Python curation: every row, every count, every bit of every threshold."""

from __future__ import annotations

import gzip
import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference_curation import Pair, ReferenceCuration, image_id, reference_curation, space

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.core.balancing.size_curve import SizeCurve
from metaclip_spark.core.entry_list import parse_text
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.curation.curate import curate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.curation import TextsPerImage
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.report import CurateReport

pytestmark = pytest.mark.spark


@dataclass(frozen=True)
class Row:
    """One row of a pool as it is stored; the text as bytes, which need not be UTF-8."""

    text: bytes | None
    url: str | None
    language: str | None


@dataclass(frozen=True)
class Case:
    """How to curate the rows. `binary` texts are stored as bytes, others as a string column with the same bytes."""

    name: str
    t: float
    uid: Literal["derived", "int", "string"] = "derived"
    texts: TextsPerImage = "all_pairs"
    binary: bool = False
    languages: tuple[str, ...] = ("en", "de")
    seed: int = 0


MADE_UP = [
    Case("derived ids", t=4.0),
    Case("integer ids, binary texts", t=2.5, uid="int", binary=True, seed=2**64 - 1),
    Case("one text per image, string ids", t=4.0, uid="string", texts="one_text_per_image", seed=7),
    Case("one text per image, derived ids, binary texts", t=3.0, texts="one_text_per_image", binary=True),
    Case("one language of several", t=4.0, languages=("en",)),
]
REAL = [
    Case("derived ids", t=20.0),
    Case("one text per image, binary texts", t=20.0, texts="one_text_per_image", binary=True),
    Case("integer ids, another seed", t=33.3, uid="int", binary=True, seed=2**64 - 1),
    Case("one text per image, string ids", t=0.75, uid="string", texts="one_text_per_image", seed=1),
]

ENTRIES = {
    "en": ["a", "cat", "new york", "york", "photo", "of", "the", "🐱", "a b", "St. Louis", "", "cat", "two  spaces"],
    "de": ["eine", "Katze", "ein Hund", "Hund", "und", "a", "Straße", "die", "der Hund"],
}
ENGLISH = [
    "a cat",
    "the photo of a cat",
    "new york, new york!",
    "a, b",
    "a b",
    "St. Louis",
    "of the",
    "a 🐱",
    "nothing",
]
ODD = [b"cat\x00 photo", b"cat\tof\nyork", b"two  spaces", b" ", b"", None, b"a \xff\xfe cat", b"\xf0\x9f a cat \xf0"]
GERMAN = ["eine Katze und ein Hund", "Hund", "der Hund", "die Straße", "und und und", "a", "nichts davon", "eine, und"]


def made_up_rows() -> list[Row]:
    """900 rows in every mixture of language, URL and text, images with up to four texts."""
    english = [text.encode() for text in ENGLISH] + ODD
    rows = []
    for number in range(900):
        language = ("en", "en", "de", "en", "fr", "de", None)[number % 7]
        texts = [text.encode() for text in GERMAN] if language == "de" else english
        url = {0: None, 1: "", 2: " \t"}.get(number % 31, f"https://example.org/a b\t{number // 4}.jpg")
        rows.append(Row(texts[number * 5 % len(texts)], url, language))
    return rows


@pytest.mark.parametrize("case", MADE_UP, ids=lambda case: case.name)
def test_made_up_rows(spark: SparkSession, tmp_path: Path, case: Case) -> None:
    rows = made_up_rows()
    metadata = {language: compile_metadata(ENTRIES[language], language=language) for language in case.languages}
    report, reference = curate_both(spark, tmp_path, rows, ENTRIES, metadata, case)
    absent = {fate for fate, count in report.counters.items() if count == 0}
    may_be_absent = {"malformed", *(["no_identity"] if case.uid == "int" else [])}
    assert absent == may_be_absent | ({"not_chosen"} if case.texts == "all_pairs" else set())
    assert len(reference.kept) > 20


@pytest.fixture(scope="module")
def real_metadata(shared_data: Path, real_rows: list[Row]) -> tuple[dict[str, list[str]], dict[str, CompiledMetadata]]:
    """481,036 English entries; as German ones the words and pairs of words that the German captions repeat."""
    tokens = [
        space(row.text.decode(errors="ignore")).split(" ") for row in real_rows if row.language == "de" and row.text
    ]
    words = Counter(word for caption in tokens for word in caption)
    pairs = Counter(" ".join(pair) for caption in tokens for pair in pairwise(caption))
    entries = {
        "en": parse_text(gzip.decompress((shared_data / "metadata" / "en_481k.txt.gz").read_bytes())),
        "de": sorted(word for word, count in [*words.items(), *pairs.items()] if count > 2),
    }
    return entries, {language: compile_metadata(own, language=language) for language, own in entries.items()}


@pytest.fixture(scope="module")
def real_rows(shared_data: Path) -> list[Row]:
    """50,000 real captions: web alt texts as they are found (nulls, empties, repeats), and translated pairs."""
    captions = shared_data / "captions"
    laion = pq.read_table(captions / "laion_10k.parquet").to_pylist()
    html = pq.read_table(captions / "html_alt.parquet", columns=["alt", "image_url"]).to_pylist()[:30_000]
    rows = [Row(encoded(found["TEXT"]), found["URL"], "en") for found in laion]
    rows += [Row(encoded(found["alt"]), found["image_url"], "en") for found in html]
    for language in ("en", "de"):
        lines = gzip.decompress((captions / f"multi30k_{language}.txt.gz").read_bytes()).split(b"\n")[:5_000]
        rows += [Row(line, f"https://example.org/{number // 2}", language) for number, line in enumerate(lines)]
    for number in range(0, len(rows), 401):
        rows[number] = replace(rows[number], language=("fr", None)[number % 2])
    for number in range(7, len(rows), 503):  # cut inside of a character, or with bytes that UTF-8 never has
        rows[number] = replace(rows[number], text=(rows[number].text or b"") + b" a photo \xe4\xb8")
    assert len(rows) == 50_000
    return rows


@pytest.mark.parametrize(
    "case", [*REAL[:2], *(pytest.param(case, marks=pytest.mark.slow) for case in REAL[2:])], ids=lambda case: case.name
)
def test_real_rows(
    spark: SparkSession,
    tmp_path: Path,
    real_rows: list[Row],
    real_metadata: tuple[dict[str, list[str]], dict[str, CompiledMetadata]],
    case: Case,
) -> None:
    report, reference = curate_both(spark, tmp_path, real_rows, *real_metadata, case)
    assert report.counters["read"] == 50_000
    assert len(reference.kept) > 1_000
    assert report.languages["de"].t != report.languages["en"].t
    print(case.name, report.counters, {language: figures.t for language, figures in report.languages.items()})


def encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def ids(rows: list[Row], case: Case) -> list[int | str | None] | None:
    """An id column of the case's type; every 40th string is null."""
    if case.uid == "derived":
        return None
    numbers = range(-5, len(rows) - 5)
    return list(numbers) if case.uid == "int" else [None if n % 40 == 0 else f"näme {n}" for n in numbers]


def curate_both(
    spark: SparkSession,
    folder: Path,
    rows: list[Row],
    entries: dict[str, list[str]],
    metadata: dict[str, CompiledMetadata],
    case: Case,
) -> tuple[CurateReport, ReferenceCuration]:
    """Curate on Spark and in plain Python, and compare all there is."""
    named = ids(rows, case)
    texts = pa.array([row.text for row in rows], pa.binary())
    columns = {
        "row": pa.array(range(len(rows)), pa.int32()),
        "caption": texts if case.binary else texts.view(pa.string()),
        "url": pa.array([row.url for row in rows], pa.string()),
        "lang": pa.array([row.language for row in rows], pa.string()),
    } | ({"key": pa.array(named)} if named else {})
    pq.write_table(pa.table(columns), folder / "pool.parquet", row_group_size=1_000)
    meanings = PoolColumns(text="caption", image_url="url", language="lang", uid="key" if named else None)
    pool = Pool(paths=(str(folder / "pool.parquet"),), columns=meanings)
    config = CurateConfig(t=case.t, seed=case.seed, texts_per_image=case.texts)
    chosen = {language: metadata[language] for language in case.languages}
    report = curate(spark, pool, chosen, str(folder / "out"), config)

    lost = {number for number, row in enumerate(rows) if lacks_identity(row, named[number] if named else "", case)}
    pairs = [
        Pair(
            None if row.text is None else row.text.decode(errors="surrogateescape"),
            # A row that cannot be drawn still counts its matches; with a name of its own it competes with no other
            uid=f"lost {number}" if number in lost else named[number] if named else None,
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
    """A row without an id cannot be drawn: one without a URL has no derived id. A blank URL names no image."""
    of_no_image = case.texts == "one_text_per_image" and not (row.url or "").strip(" \t")
    return uid is None or (case.uid == "derived" and not row.url) or of_no_image


def check_rows(spark: SparkSession, output: Path, reference: ReferenceCuration, lost: set[int]) -> None:
    """Every kept row with its decisions. Rows that repeat URL and text share a uid: any of them may stand for them."""
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
