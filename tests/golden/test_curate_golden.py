"""Spark's curation equals the plain-Python curation: every row, every count and every bit of every threshold."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from curate_both import Case, Row, curate_both
from reference_curation import space

from metaclip_spark import example
from metaclip_spark.core.entry_list import parse_text
from metaclip_spark.core.matching.compile_metadata import compile_metadata

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

pytestmark = pytest.mark.spark

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

EXAMPLE = [
    Case("derived ids", t=example.T, languages=("en",)),
    Case("one text per image, string ids, two languages", t=3.3, uid="string", texts="one_text_per_image", seed=7),
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
    """900 rows that combine languages, URLs and texts in every way; an image has up to four texts."""
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


@pytest.mark.parametrize("case", EXAMPLE, ids=lambda case: case.name)
def test_embedded_example(spark: SparkSession, tmp_path: Path, case: Case) -> None:
    """48,223 sentences and 86,654 entries, which come with the package; every third sentence counts as German."""
    captions = example.pool_table()["text"].to_pylist()
    languages = ("en", "en", "de") if len(case.languages) > 1 else ("en",)
    rows = [
        Row(text.encode(), f"https://example.org/{number // 5}", languages[number % len(languages)])
        for number, text in enumerate(captions)
    ]
    names = gzip.decompress(example.metadata_path().read_bytes()).decode().splitlines()
    metadata = {language: compile_metadata(names, language=language) for language in case.languages}
    report, reference = curate_both(spark, tmp_path, rows, dict.fromkeys(case.languages, names), metadata, case)
    assert (report.counters["read"], len(names)) == (48_223, 86_654)
    assert len(reference.kept) > 5_000


@pytest.fixture(scope="module")
def real_metadata(shared_data: Path, real_rows: list[Row]) -> tuple[dict[str, list[str]], dict[str, CompiledMetadata]]:
    """481,036 English entries, and as German entries the words and word pairs that occur more than twice."""
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
    """50,000 real captions: raw alt texts from the web (with nulls, empty texts and repeats) and translated pairs."""
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
    for number in range(7, len(rows), 503):  # an incomplete character, which is not valid UTF-8
        rows[number] = replace(rows[number], text=(rows[number].text or b"") + b" a photo \xe4\xb8")
    assert len(rows) == 50_000
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
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
