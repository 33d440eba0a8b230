"""Pointwise mutual information of neighbouring words, and its thresholds (Demystifying CLIP Data, table 1)."""

from __future__ import annotations

import math
from typing import Final

ENGLISH_TOKENS: Final = 5_000_000_000
"""Number of word tokens of English Wikipedia, for which the minimum counts were published."""
MIN_SCALED_COUNT: Final = 5
"""Lower limit of scaled minimum counts: a pair that occurs four times may do so by chance."""


def pointwise_mutual_information(pair: int, first: int, second: int, tokens: int) -> float:
    """Return how much more often two words are neighbours than expected by chance: log2(N c(xy) / (c(x) c(y))) bits.

    Args:
        pair: Number of times that the words are neighbours, c(xy).
        first: Count of the first word, c(x).
        second: Count of the second word, c(y).
        tokens: Number of word tokens of the corpus, N.

    >>> pointwise_mutual_information(8, 8, 8, 1024)
    7.0
    """
    return math.log2(tokens) + math.log2(pair / (float(first) * float(second)))


def max_information(count: int, tokens: int) -> float:
    """Return the maximum information of a pair with this count: log2(N / m), if its words occur only in this pair.

    >>> round(max_information(5, 5_000_000_000), 1)
    29.9
    """
    return math.log2(tokens / count) if tokens else 0.0


def scaled_count(published: int, tokens: int) -> int:
    """Scale a minimum count that was published for English Wikipedia down to a smaller corpus.

    >>> scaled_count(100, 5_000_000_000), scaled_count(100, 1_000_000_000), scaled_count(100, 1_000_000)
    (100, 20, 5)
    """
    scaled = math.ceil(published * tokens / ENGLISH_TOKENS)
    return min(published, max(MIN_SCALED_COUNT, scaled))
