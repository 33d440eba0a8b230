"""The balancing rule: which captions are kept (Demystifying CLIP Data, arXiv 2309.16671, Algorithm 1, part 2).

An entry that matches c captions is sampled with probability p = min(1, t / c). A caption is kept if any of its matched
entries is sampled.

Every product is computed in ascending order of the entry ids, starting at 1.0. Each factor 1 - t / c is one IEEE
division and one subtraction in double precision, and nothing is fused. All machines and all implementations therefore
compute the same bits.

Quotient, difference and product are each rounded monotonically, so the *computed* product never grows with t. There is
therefore exactly one smallest double t at which the product is at most 1 - u: the admission threshold. It alone decides
whether a row is kept.

The functions over plain numbers state the rule. `balance_rows` computes the same bits for millions of rows per second
and is tested against them.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaclip_spark.core.balancing.kernels import balance
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def keep_probability(entry_probabilities: Sequence[float]) -> float:
    """Return the probability that a caption is kept: that at least one of its matched entries is sampled.

    q = 1 - prod (1 - p[e]), where entries are sampled independently.

    Args:
        entry_probabilities: p[e] = min(1, t / count[e]) of the caption's matched entries, in ascending order of their
            ids.

    Returns:
        A number in [0, 1]; 0.0 for a caption that matches no entry.

    >>> keep_probability([0.5, 0.5])
    0.75
    >>> keep_probability([1.0, 0.01])  # one tail entry keeps the caption
    1.0
    """
    miss = 1.0
    for probability in entry_probabilities:
        miss *= 1.0 - probability
    return 1.0 - miss


def miss_probability(t: float, counts: Sequence[int]) -> float:
    """Return the probability that none of a caption's entries is sampled: prod (1 - min(1, t / count)).

    Args:
        t: Threshold in matches, any finite number > 0.
        counts: Counts of the matched entries, in ascending order of their ids. Each is rounded once to a double (exact
            below 2**53). A count of 0, which occurs with frozen counts of another pool, is taken as 1.

    Returns:
        A number in [0, 1]; 1.0 for a caption that matches no entry.

    >>> miss_probability(20_000, [40_000, 80_000])
    0.375
    >>> miss_probability(20_000, [40_000, 20_000])  # an entry with count = t is always sampled
    0.0
    """
    miss = 1.0
    for count in counts:
        miss *= 1.0 - min(1.0, t / float(max(count, 1)))
    return miss


def admission_threshold(counts: Sequence[int], u: float) -> float:
    """Return the smallest double t > 0 with `miss_probability(t, counts)` <= 1 - u, by bisection over all doubles.

    The row is kept at every t at or above it and at no t below it, so the rows kept at a smaller t are a subset of
    those kept at a greater one.

    Args:
        counts: Counts of the matched entries, as for `miss_probability`.
        u: Draw of the row, in (0, 1); 1 - u is then exact.

    Returns:
        A number in (0, min(counts)]; inf for a caption that matches no entry, otherwise nan if u is nan.

    >>> admission_threshold([100], 0.75)  # kept from t = 75 on, where p = 3/4
    75.0
    >>> admission_threshold([], 0.75)
    inf
    """
    if not counts:
        return math.inf
    if math.isnan(u):
        return math.nan
    # Positive doubles have the order of their bit patterns, read as integers, and the pattern 0 is less than any of
    # them. At the smallest count, one factor is exactly 0.
    below, at = 0, _bits(float(max(min(counts), 1)))
    while at - below > 1:
        middle = (below + at) // 2
        if miss_probability(_double(middle), counts) <= 1.0 - u:
            at = middle
        else:
            below = middle
    return _double(at)


def _bits(number: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def _double(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


class BalancedRows(NamedTuple):
    """Sampling probability and admission threshold of each row of a batch.

    Attributes:
        probability: Shape (rows,), q(t) in [0, 1]; 0.0 for a row without matches.
        threshold: Shape (rows,), admission threshold; inf for a row without matches, otherwise nan where the draw is
            nan. A row is kept if, and only if, `threshold <= t`.
    """

    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]


def balance_rows(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], counts: NDArray[np.int64], t: float, u: NDArray[np.float64]
) -> BalancedRows:
    """Return the sampling probability and the admission threshold of every row of a batch.

    Both equal `1 - miss_probability` and `admission_threshold` bit for bit.

    Args:
        ids: Shape (matches,), matched entry ids of all rows, row after row, ascending within a row.
        offsets: Shape (rows + 1,); row r has the ids ids[offsets[r] : offsets[r + 1]].
        counts: Shape (n_entries,), number of captions that match each entry.
        t: Threshold in matches, any finite number > 0.
        u: Shape (rows,), draws of the rows in (0, 1); nan where the uid is null.

    Raises:
        ConfigError: t is not a finite number > 0.
        InputError: An id is outside 0 <= id < n_entries, or the lengths disagree.
    """
    _check_threshold(t)
    _check_rows(ids, offsets, counts.size, u.size)
    probability = np.empty(u.size)
    threshold = np.empty(u.size)
    balance(
        read_only(ids.astype(np.int32, copy=False)),
        read_only(offsets.astype(np.int64, copy=False)),
        read_only(counts.astype(np.int64, copy=False)),
        float(t),
        read_only(u.astype(np.float64, copy=False)),
        probability,
        threshold,
    )
    return BalancedRows(probability, threshold)


def _check_threshold(t: float) -> None:
    if not (math.isfinite(t) and t > 0):
        raise ConfigError(
            f"The threshold t = {t} is not a finite number > 0. Pass a number of matches (the paper used 20000)."
        )


def _check_rows(ids: NDArray[np.int32], offsets: NDArray[np.int64], n_entries: int, rows: int) -> None:
    """Raise an error unless every index is in range: the kernels read without bounds checks."""
    if offsets.size != rows + 1 or offsets[0] != 0 or offsets[-1] != ids.size:
        raise InputError(
            f"{rows} draws, {offsets.size} offsets and {ids.size} ids do not fit together: there must be one offset "
            "more than draws, and the offsets must run from 0 to the number of ids."
        )
    if rows and np.diff(offsets).min() < 0:
        row = int(np.argmax(np.diff(offsets) < 0))
        raise InputError(
            f"The offsets of row {row} descend from {offsets[row]} to {offsets[row + 1]}. They must be ascending."
        )
    if ids.size and (ids.min() < 0 or ids.max() >= n_entries):
        raise InputError(
            f"The entry ids run from {ids.min()} to {ids.max()}, but there are {n_entries} counts. Ids and counts "
            "belong to different metadata."
        )
