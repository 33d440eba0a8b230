"""Counter of words and pairs, compared with the rule of `words.py`."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_spark.core.ngrams.counter import NgramCounter
from metaclip_spark.core.words import is_word, word_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metaclip_spark.core.ngrams.counter import NgramCounts

LONG, WIDE = "a" * 256, "\u00e9" * 256
SCRIPTS = ["\u0434\u043e\u043c", "\u0e44\u0e17\u0e22", "\U00020000\u4e2d", "e\u0301"]
EDGE_CASES = [
    "St. Louis, U.S.",
    "new\nyork\u2028city\u00a0hall\u3000x",
    "(from \"The x' \u201cy [z] don't",
    "rock & roll \u2013 10% -ing \u00bd",
    "a\ufffdb \ue000c d",
    " ".join(SCRIPTS),
    f"{LONG} b{LONG} c",
    f"{WIDE} c",
]


def totals(parts: Iterable[NgramCounts]) -> tuple[Counter[str], Counter[str]]:
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for part in parts:
        for counter, texts, counts in ((words, part.words, part.word_counts), (pairs, part.pairs, part.pair_counts)):
            for text, count in zip(texts.to_pylist(), counts.to_pylist(), strict=True):
                counter[text] += count
    return words, pairs


def expected(texts: Iterable[str], *, keep_odd: bool = False) -> tuple[Counter[str], Counter[str]]:
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        for run in word_runs(text, keep_odd=keep_odd):
            words.update(run)
            pairs.update(" ".join(pair) for pair in pairwise(run))
    return words, pairs


def counted(counter: NgramCounter, texts: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    return totals([*(part for text in texts for part in counter.add(text.encode())), *counter.drain()])


@pytest.mark.parametrize("text", EDGE_CASES)
def test_edge_cases_agree_with_the_rule(text: str) -> None:
    assert counted(NgramCounter(), [text]) == expected([text])


def test_odd_edges_are_kept_on_request() -> None:
    assert counted(NgramCounter(keep_odd=True), ["(from x)"]) == expected(["(from x)"], keep_odd=True)


TEXTS = st.lists(
    st.text(st.one_of(st.sampled_from("ab .,\n'(-1\u00e9\u4e2d\U0001f600"), st.characters(codec="utf-8")), max_size=60),
    max_size=6,
)


@given(TEXTS)
def test_counter_agrees_with_the_rule(texts: list[str]) -> None:
    assert counted(NgramCounter(), texts) == expected(texts)


@given(TEXTS)
def test_every_counted_word_is_a_word(texts: list[str]) -> None:
    words, pairs = counted(NgramCounter(), texts)
    assert all(is_word(word) for word in words)
    assert all(is_word(word) for pair in pairs for word in pair.split(" "))


@given(TEXTS)
def test_counter_that_is_full_after_every_word(texts: list[str]) -> None:
    texts = [*texts, " ".join(f"w{number % 37} x{number}" for number in range(50))]
    assert counted(NgramCounter(max_words=4, max_pairs=4), texts) == expected(texts)


def test_growth_keeps_all_counts_and_parts_stay_within_limits() -> None:
    texts = [
        " ".join(f"w{number * number % 9973} y" for number in range(start, start + 500))
        for start in range(0, 9000, 500)
    ]
    large, small = NgramCounter(), NgramCounter(max_words=256, max_pairs=512)
    parts = [part for text in texts for part in small.add(text.encode())]
    assert max(len(part.words) for part in parts) <= 256
    assert max(len(part.pairs) for part in parts) <= 512
    assert totals([*parts, *small.drain()]) == counted(large, texts) == expected(texts)
    assert large.tokens == small.tokens == sum(expected(texts)[0].values())
