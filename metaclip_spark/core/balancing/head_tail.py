"""Head and tail of the entries, and the threshold of a language that follows from the tail share of English.

Head entries have count >= t, so p = t / count; tail entries have 0 < count < t, so p = 1.
Meta CLIP 2 (arXiv 2507.22062) uses the same tail share for all languages. The threshold t of English determines its
tail share, and each other language gets the t whose tail share is nearest to it. Shares are exact fractions, so no
rounding decides between two thresholds.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT64_MAX = 2**63 - 1


class HeadTail(NamedTuple):
    """Numbers of head and tail entries at a threshold, and of their matches.

    Attributes:
        head: Number of entries with count >= t.
        tail: Number of entries with 0 < count < t.
        never_matched: Number of entries that no caption matches.
        matches: Exact sum of all counts.
        head_matches: Exact sum of the counts of head entries.
    """

    head: int
    tail: int
    never_matched: int
    matches: int
    head_matches: int


def head_tail(counts: NDArray[np.int64], t: float) -> HeadTail:
    """Return the numbers of entries and matches of head and tail.

    Args:
        counts: Shape (n_entries,), number of captions that match each entry.
        t: Threshold in matches, any finite number > 0.

    Raises:
        ConfigError: t is not a finite number > 0.

    >>> head_tail(np.array([0, 5, 10, 20]), t=10)
    HeadTail(head=2, tail=1, never_matched=1, matches=35, head_matches=30)
    """
    in_tail = _below(counts, t)
    never_matched = int(np.count_nonzero(counts == 0))
    below = int(np.count_nonzero(in_tail))
    return HeadTail(
        head=counts.size - below,
        tail=below - never_matched,
        never_matched=never_matched,
        matches=exact_total(counts),
        head_matches=exact_total(counts[~in_tail]),
    )


def tail_share(counts: NDArray[np.int64], t: float) -> Fraction:
    """Return the share of matches on tail entries: the sum of counts below t over the sum of counts (Meta CLIP 2).

    Args:
        counts: Shape (n_entries,), number of captions that match each entry.
        t: Threshold in matches, any finite number > 0.

    Returns:
        The exact share, in [0, 1].

    Raises:
        ConfigError: t is not a finite number > 0.
        InputError: All counts are 0, so there is no share.

    >>> tail_share(np.array([0, 5, 15, 80]), t=15)  # only the 5 is below t
    Fraction(1, 20)
    """
    total = exact_total(counts)
    if total == 0:
        raise InputError(
            f"No caption matches any of the {counts.size} entries of the reference language, so its t = {t} has no "
            "tail share that other languages could use. Pass the tail share itself (Meta CLIP 2 used about 0.06), or "
            "add rows of the reference language."
        )
    return Fraction(exact_total(counts[_below(counts, t)]), total)


class LanguageThreshold(NamedTuple):
    """Threshold of a language; see `language_threshold`.

    Attributes:
        t: Threshold in matches, >= 1.
        share_at: Cumulative share nearest to the requested one; it includes entries whose count is t.
        tail_share: Share of matches on entries with counts strictly below t, none of whose captions are dropped.
    """

    t: int
    share_at: Fraction
    tail_share: Fraction


def language_threshold(counts: NDArray[np.int64], share: Fraction) -> LanguageThreshold:
    """Return the t of a language: the count at which its ascending cumulative share of matches is nearest to `share`.

    Entries that no caption matches are left out, since t could otherwise be 0. Of two counts that are equally near, the
    smaller one is returned. The cumulative sum rises with every entry, so one of the two values around the target is
    the nearest.

    Args:
        counts: Shape (n_entries,), counts of the language.
        share: Requested tail share, in [0, 1], as `tail_share` returns it for English.

    Returns:
        The threshold and its shares; t = 1 with shares 0 if all counts are 0.

    Raises:
        ConfigError: The share is outside [0, 1].
        InputError: The counts sum to more than 2**63 - 1.

    >>> language_threshold(np.array([0, 1, 1, 2, 6]), Fraction(4, 10))
    LanguageThreshold(t=2, share_at=Fraction(2, 5), tail_share=Fraction(1, 5))
    """
    share = Fraction(share)
    if not 0 <= share <= 1:
        raise ConfigError(
            f"The tail share {float(share)} is outside [0, 1]. Pass a share of matches (about 0.06 in the paper)."
        )
    ascending = np.sort(counts[counts > 0])
    if not ascending.size:
        return LanguageThreshold(t=1, share_at=Fraction(0), tail_share=Fraction(0))
    total = exact_total(ascending)
    if total > _INT64_MAX:
        raise InputError(f"The pool has {total} matches, more than 2**63 - 1. Split the pool.")
    cumulative = np.cumsum(ascending)
    target = share * total
    after = int(np.searchsorted(cumulative, math.ceil(target)))
    index = after
    if after > 0 and target - int(cumulative[after - 1]) <= int(cumulative[after]) - target:
        index = after - 1
    t = int(ascending[index])
    return LanguageThreshold(t=t, share_at=Fraction(int(cumulative[index]), total), tail_share=tail_share(ascending, t))


def exact_total(counts: NDArray[np.int64]) -> int:
    """Return the exact sum of counts: their halves of 32 bits are summed separately, so that no sum overflows.

    >>> exact_total(np.array([2**63 - 1, 2**63 - 1])) == 2**64 - 2
    True
    """
    high = int((counts >> 32).sum())
    return (high << 32) + int((counts & 0xFFFF_FFFF).sum())


def _below(counts: NDArray[np.int64], t: float) -> NDArray[np.bool_]:
    """Return which counts are < t, compared as integers with the smallest integer >= t, so that no count is rounded."""
    if not (math.isfinite(t) and t > 0):
        raise ConfigError(f"The threshold t = {t} is not a finite number > 0. Pass a number of matches.")
    limit = math.ceil(t)
    below: NDArray[np.bool_] = counts < limit if limit <= _INT64_MAX else np.ones(counts.shape, dtype=np.bool_)
    return below
