"""The reference, on a pool small enough to check by hand; the fast core equals it on real captions."""

from __future__ import annotations

import gzip
import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference_curation import CuratedPair, NgramMatcher, Pair, ReferenceCuration, reference_curation

from metaclip_spark import example
from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.core.counting.count_blocks import EntryCounter
from metaclip_spark.core.draw import choice_hashes, draws
from metaclip_spark.core.entry_list import parse_text
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.oracle import match_naive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRIES = ["cat", "a", "new york", "york", "a b", "St. Louis", "", "cat", " ", "two  spaces", "U.S."]

MATCHES = [
    ("nested entries", "new york", [2, 3]),
    ("a mark ends a word", "cat, york!", [0, 3]),
    ("a mark breaks a bigram", "a, b", [1]),
    ("a mark breaks an abbreviation", "St. Louis in the U.S.", []),
    ("a line break is a space", "new\nyork", [2, 3]),
    ("double spaces count", "two  spaces", [9]),
    ("a repeat is its first id", "cat cat", [0]),
    ("case matters", "Cat", []),
    ("empty caption", "", []),
]


@pytest.mark.parametrize(("caption", "ids"), [case[1:] for case in MATCHES], ids=[case[0] for case in MATCHES])
def test_reference_matching(caption: str, ids: list[int]) -> None:
    assert NgramMatcher(ENTRIES).match(caption) == ids
    usable = [None if number in {6, 7, 8} else entry.encode() for number, entry in enumerate(ENTRIES)]
    assert match_naive(caption.encode(), usable) == ids


def curated(texts: list[str | None], t: float) -> ReferenceCuration:
    return reference_curation([Pair(text, uid=number) for number, text in enumerate(texts)], {"en": ENTRIES}, {"en": t})


def test_reference_by_hand() -> None:
    result = curated(["a cat", "a", "a", "a", "x", "", None], t=1.0)
    assert result.counts["en"][:3] == [1, 4, 0]
    outcomes = [row.outcome for row in result.rows]
    assert (outcomes[0], outcomes[4:]) == ("kept", ["unmatched", "empty text", "null text"])
    assert [row.probability for row in result.rows] == [1.0, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0]
    for row in result.rows[1:4]:
        assert row.admission_threshold == pytest.approx(4 * row.draw)
        assert row.outcome == ("kept" if row.admission_threshold <= 1.0 else "not drawn")


def test_an_image_keeps_one_text_at_most() -> None:
    pairs = [Pair(text, image_url=f"i{n % 50}") for n, text in enumerate(["a", "cat", "york", "x"] * 50)]
    result = reference_curation(pairs, {"en": ENTRIES}, {"en": 1e9}, texts="one_text_per_image")
    assert len(result.kept) == len({row.pair.image_url for row in result.kept}) == 50
    assert {row.outcome for row in result.rows} == {"kept", "not chosen", "unmatched"}


def of_the_example(_: pytest.FixtureRequest) -> tuple[list[str], list[str]]:
    """5,000 sentences of the embedded example and its 86,654 entries."""
    return example.pool_table()["text"].to_pylist()[:5_000], parse_text(read_gzip(example.metadata_path()))


def of_shared_data(request: pytest.FixtureRequest) -> tuple[list[str], list[str]]:
    """5,000 raw web captions and 481,036 entries."""
    folder = request.getfixturevalue("shared_data")
    captions = pq.read_table(folder / "captions" / "laion_10k.parquet")["TEXT"].to_pylist()[:5_000]
    return captions, parse_text(read_gzip(folder / "metadata" / "en_481k.txt.gz"))


def read_gzip(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("captions_and_entries", [of_the_example, of_shared_data])
def test_core_equals_the_reference_on_real_captions(
    captions_and_entries: Callable[[pytest.FixtureRequest], tuple[list[str], list[str]]],
    request: pytest.FixtureRequest,
) -> None:
    captions, entries = captions_and_entries(request)
    t, seed = 20.0, 2**64 - 1
    urls = [f"https://example.org/{number // 3}" for number in range(len(captions))]
    pairs = [Pair(text, image_url=url) for text, url in zip(captions, urls, strict=True)]
    expected = reference_curation(pairs, {"en": entries}, {"en": t}, seed=seed)

    ids, offsets = Matcher(compile_metadata(entries)).match_ids(pa.array(captions, pa.string()))
    counter = EntryCounter(len(entries))
    counter.add(ids)
    assert counter.counts.tolist() == expected.counts["en"]
    u = draws(pa.array([row.uid for row in expected.rows]), seed)
    balanced = balance_rows(ids, offsets, counter.counts, t, u)
    for number, row in enumerate(expected.rows):
        actual = CuratedPair(
            row.pair,
            row.uid,
            row.outcome,
            tuple(ids[offsets[number] : offsets[number + 1]].tolist()),
            float(balanced.probability[number]),
            float(u[number]) if row.matched_entries else math.nan,
            float(balanced.threshold[number]),
        )
        assert repr(actual) == repr(row)  # repr identifies the bits of a double, and nan == nan
        if row.matched_entries:
            assert (balanced.threshold[number] <= t) == (row.outcome == "kept")

    one_each = reference_curation(pairs, {"en": entries}, {"en": t}, seed=seed, texts="one_text_per_image")
    hashes = choice_hashes(pa.array([row.uid for row in expected.rows]), seed)
    by_image: dict[str, list[int]] = {}
    for number, row in enumerate(expected.rows):
        if row.matched_entries:
            by_image.setdefault(row.pair.image_url, []).append(number)
    chosen = {min(numbers, key=lambda number: int(hashes[number])) for numbers in by_image.values()}
    in_reference = {n for n, row in enumerate(one_each.rows) if row.outcome in {"kept", "not drawn"}}
    assert chosen == in_reference
    assert np.isfinite(balanced.threshold[list(chosen)]).all()
