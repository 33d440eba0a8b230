"""Head and tail of the entry counts, and the threshold of a language that follows from English's tail.

Entries with count >= t are head (balancing thins out their captions), those with 0 < count < t tail (p = 1). Meta CLIP
2 (arXiv 2507.22062) keeps one share of tail matches over all languages: English fixes t, hence its share, and each
other language gets the t that comes nearest to that share. Shares are exact fractions: no float decides between two
thresholds.
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
    """How matches spread over the entries at a threshold.

    Attributes:
        head: entries with count >= t.
        tail: entries with 0 < count < t.
        never: entries that no caption matched.
        matches: sum of all counts, exact.
        head_matches: sum of the counts of the head, exact.
    """

    head: int
    tail: int
    never: int
    matches: int
    head_matches: int


def head_tail(counts: NDArray[np.int64], t: float) -> HeadTail:
    """Count entries and matches of head and tail.

    Args:
        counts: shape (n_entries,), captions that matched each entry.
        t: the threshold, in matches; any finite number > 0.

    Raises:
        ConfigError: t is not a finite number > 0.

    >>> head_tail(np.array([0, 5, 10, 20]), t=10)
    HeadTail(head=2, tail=1, never=1, matches=35, head_matches=30)
    """
    in_tail = _below(counts, t)
    never = int(np.count_nonzero(counts == 0))
    below = int(np.count_nonzero(in_tail))
    return HeadTail(
        head=counts.size - below,
        tail=below - never,
        never=never,
        matches=exact_total(counts),
        head_matches=exact_total(counts[~in_tail]),
    )


def tail_share(counts: NDArray[np.int64], t: float) -> Fraction:
    """Share of the matches that fall on tail entries: sum of counts below t over the sum of counts (Meta CLIP 2).

    Args:
        counts: shape (n_entries,), captions that matched each entry.
        t: the threshold, in matches; any finite number > 0.

    Returns:
        The exact share, in [0, 1].

    Raises:
        ConfigError: t is not a finite number > 0.
        InputError: nothing was matched, so that there is no share.

    >>> tail_share(np.array([0, 5, 15, 80]), t=15)  # strictly below
    Fraction(1, 20)
    """
    total = exact_total(counts)
    if total == 0:
        raise InputError(
            f"no caption matched any of the {counts.size} entries, so t = {t} has no tail share to pass on to other "
            "languages: give the share itself (Meta CLIP 2 used about 0.06), or add rows of the reference language"
        )
    return Fraction(exact_total(counts[_below(counts, t)]), total)


class LanguageThreshold(NamedTuple):
    """The threshold of a language; see `language_threshold`.

    Attributes:
        t: the threshold, in matches, >= 1.
        share_at: the ascending cumulative share that came nearest to the one asked for (it includes entries at t).
        tail_share: the share that entries strictly below t hold, which is what balancing at t leaves untouched.
    """

    t: int
    share_at: Fraction
    tail_share: Fraction


def language_threshold(counts: NDArray[np.int64], share: Fraction) -> LanguageThreshold:
    """The t of a language: the count at which its ascending cumulative share of matches is nearest to `share`.

    Never-matched entries are left out first (else t could be 0); of two counts equally near the first, smaller one
    wins. The cumulative sum rises with every entry, so its nearest value is one of the two around the target: two
    exact comparisons.

    Args:
        counts: shape (n_entries,), the language's own counts.
        share: the tail share to meet, in [0, 1], as `tail_share` gives it for English.

    Returns:
        The threshold with the shares it realises; t = 1 with shares 0 for a language in which nothing matched.

    Raises:
        ConfigError: the share is outside [0, 1].
        InputError: the matches exceed 2**63 - 1.

    >>> language_threshold(np.array([0, 1, 1, 2, 6]), Fraction(4, 10))
    LanguageThreshold(t=2, share_at=Fraction(2, 5), tail_share=Fraction(1, 5))
    """
    share = Fraction(share)
    if not 0 <= share <= 1:
        raise ConfigError(f"tail share {float(share)} is outside [0, 1]: it is a share of matches (0.06 in the paper)")
    ascending = np.sort(counts[counts > 0])
    if not ascending.size:
        return LanguageThreshold(t=1, share_at=Fraction(0), tail_share=Fraction(0))
    total = exact_total(ascending)
    if total > _INT64_MAX:
        raise InputError(f"{total} matches exceed 2**63 - 1: split the pool")
    cumulative = np.cumsum(ascending)
    target = share * total
    after = int(np.searchsorted(cumulative, math.ceil(target)))
    index = after
    if after > 0 and target - int(cumulative[after - 1]) <= int(cumulative[after]) - target:
        index = after - 1
    t = int(ascending[index])
    return LanguageThreshold(t=t, share_at=Fraction(int(cumulative[index]), total), tail_share=tail_share(ascending, t))


def exact_total(counts: NDArray[np.int64]) -> int:
    """Sum of counts as an integer of any size: the halves of 32 bits are summed apart, so nothing can wrap.

    >>> exact_total(np.array([2**63 - 1, 2**63 - 1])) == 2**64 - 2
    True
    """
    high = int((counts >> 32).sum())
    return (high << 32) + int((counts & 0xFFFF_FFFF).sum())


def _below(counts: NDArray[np.int64], t: float) -> NDArray[np.bool_]:
    """Which counts are < t, exactly: integers are below t if they are below the next integer up, so none is rounded."""
    if not (math.isfinite(t) and t > 0):
        raise ConfigError(f"t = {t} separates no head from a tail: pass a finite number of matches > 0")
    limit = math.ceil(t)
    below: NDArray[np.bool_] = counts < limit if limit <= _INT64_MAX else np.ones(counts.shape, dtype=np.bool_)
    return below
