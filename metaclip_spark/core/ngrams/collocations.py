"""Which pairs of neighbours are more than chance: pointwise mutual information (Demystifying CLIP Data, table 1)."""

from __future__ import annotations

import math
from typing import Final

ENGLISH_TOKENS: Final = 5_000_000_000
"""Word tokens of English Wikipedia, which the published least counts are meant for."""
LEAST_SCALED: Final = 5
"""A least count is never scaled below: a pair seen by chance four times says nothing."""


def pointwise_mutual_information(pair: int, first: int, second: int, tokens: int) -> float:
    """How much more often two words are neighbours than chance would have it, in bits: log2(N c(xy) / (c(x) c(y))).

    Args:
        pair: c(xy), times that they are neighbours.
        first: c(x).
        second: c(y).
        tokens: N, word tokens of the corpus.

    >>> pointwise_mutual_information(8, 8, 8, 1024)
    7.0
    """
    return math.log2(tokens) + math.log2(pair / (float(first) * float(second)))


def greatest_information(least_count: int, tokens: int) -> float:
    """The most bits that a pair seen so often can have: log2(N / m), where its words stand nowhere else.

    >>> round(greatest_information(5, 5_000_000_000), 1)
    29.9
    """
    return math.log2(tokens / least_count) if tokens else 0.0


def scaled_count(published: int, tokens: int) -> int:
    """A least count that is published for English Wikipedia, scaled down to a smaller one.

    >>> scaled_count(100, 5_000_000_000), scaled_count(100, 1_000_000_000), scaled_count(100, 1_000_000)
    (100, 20, 5)
    """
    scaled = math.ceil(published * tokens / ENGLISH_TOKENS)
    return min(published, max(LEAST_SCALED, scaled))
