"""Rules for words: which tokens are words, and which words are neighbours."""

from __future__ import annotations

import pytest

from metaclip_spark.core.words import is_word, word_runs

LONG, WIDE = "a" * 256, "\u00e9" * 256
SCRIPTS = ["\u0434\u043e\u043c", "\u0e44\u0e17\u0e22", "\U00020000\u4e2d", "e\u0301"]
RUNS = [
    ("punctuation marks separate", "St. Louis, U.S.", [["St"], ["Louis"], ["U"], ["S"]]),
    ("blanks do not separate", "new   york\u00a0city\u3000x", [["new", "york", "city", "x"]]),
    ("line breaks separate", "new\nyork\u2028city", [["new"], ["york"], ["city"]]),
    ("odd edges", "(from \"The x' \u201cy [z] don't", [["don't"]]),
    ("symbols separate", "rock & roll \u2013 10% -ing \u00bd", [["rock"], ["roll"], ["10%", "-ing", "\u00bd"]]),
    ("scripts", " ".join(SCRIPTS), [SCRIPTS]),
    ("invalid characters", "a\ufffdb \ue000c d", [["d"]]),
    ("256 characters", f"{LONG} b{LONG} c", [[LONG], ["c"]]),
    ("256 of two bytes", f"{WIDE} c", [[WIDE, "c"]]),
]


@pytest.mark.parametrize(("text", "runs"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS])
def test_runs_of_neighbours(text: str, runs: list[list[str]]) -> None:
    assert list(word_runs(text)) == runs


def test_odd_edges_are_kept_on_request() -> None:
    assert list(word_runs("(from x)", keep_odd=True)) == [["(from", "x)"]]


@pytest.mark.parametrize("token", ["U.S.", "a,b", "12:30", "a\u00a0b", "a b", "a\nb", ""])
def test_token_that_no_text_yields_is_not_a_word(token: str) -> None:
    assert not is_word(token)
    assert not is_word(token, keep_odd=True)
