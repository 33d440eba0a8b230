"""Balancing: which captions stay, and why (Demystifying CLIP Data, arXiv 2309.16671, Algorithm 1, part 2).

An entry that matched c captions fires with probability p = min(1, t / c); a caption stays if any of its entries fires.
In this module every product is taken in ascending order of the entry ids, from 1.0, each factor 1 - t / c by one IEEE
division and one subtraction in double precision, nothing fused: the same bits on every machine and in every
implementation.

Because the quotient, the difference and the product of such factors are each rounded monotonically, the *computed*
product never grows with t. So there is one least double t at which it falls to 1 - u: the admission threshold, which
decides alone.

The functions over numbers are the rule in plain Python, and the judge of `balance_rows`, which gives the same bits for
millions of rows a second.
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
    """Probability that a caption survives balancing: at least one of its entries fires.

    q = 1 - prod (1 - p[e]), entries firing independently.

    Args:
        entry_probabilities: p[e] = min(1, t / count[e]) of the caption's matched entries, in ascending order of their
            ids.

    Returns:
        A number in [0, 1]; 0.0 for a caption that matched nothing.

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
    """Probability that none of a caption's entries fires: prod (1 - min(1, t / count)).

    Args:
        t: the threshold, in matches; any finite number > 0.
        counts: captions that each matched entry has, in ascending order of the entries' ids. A count is rounded to a
            double once (exact below 2**53); 0, which frozen counts of another pool may hold, counts as 1.

    Returns:
        A number in [0, 1]; 1.0 for a caption that matched nothing.

    >>> miss_probability(20_000, [40_000, 80_000])
    0.375
    >>> miss_probability(20_000, [40_000, 20_000])  # at equality an entry fires always
    0.0
    """
    miss = 1.0
    for count in counts:
        miss *= 1.0 - min(1.0, t / float(max(count, 1)))
    return miss


def admission_threshold(counts: Sequence[int], u: float) -> float:
    """The least double t > 0 with `miss_probability(t, counts)` <= 1 - u, by bisection over all doubles.

    The row is kept at every t at or above it and at none below: selections are nested.

    Args:
        counts: as for `miss_probability`.
        u: the row's draw, in (0, 1); 1 - u is then exact.

    Returns:
        A number in (0, least count]; inf for a caption that matched nothing, else nan if u is nan.

    >>> admission_threshold([100], 0.75)  # kept from t = 75 on, where p = 3/4
    75.0
    >>> admission_threshold([], 0.75)
    inf
    """
    if not counts:
        return math.inf
    if math.isnan(u):
        return math.nan
    # Positive doubles are ordered as their bit patterns are, read as integers: 0 is below every one of them, and at
    # the least count a factor is exactly 0.
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
    """What balancing says of each row of a batch.

    Attributes:
        probability: shape (rows,), q(t) in [0, 1]; 0.0 for a row without matches.
        threshold: shape (rows,), the admission threshold; inf for a row without matches, else nan where the draw is
            nan. A row is kept if, and only if, `threshold <= t`.
    """

    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]


def balance_rows(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], counts: NDArray[np.int64], t: float, u: NDArray[np.float64]
) -> BalancedRows:
    """`miss_probability` and `admission_threshold` of every row of a batch, bit for bit.

    Args:
        ids: shape (matches,), the rows' matched entries one after the other, ascending within a row.
        offsets: shape (rows + 1,), row r holds ids[offsets[r] : offsets[r + 1]].
        counts: shape (n_entries,), captions that matched each entry.
        t: the threshold, in matches; any finite number > 0.
        u: shape (rows,), the rows' draws in (0, 1); nan where the uid is null.

    Returns:
        Probability and admission threshold of each row.

    Raises:
        ConfigError: t is not a finite number > 0.
        InputError: an id is outside 0 <= id < n_entries, or the lengths disagree.
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
            f"t = {t} cannot balance anything: pass a finite number of matches > 0 (the paper used 20000)"
        )


def _check_rows(ids: NDArray[np.int32], offsets: NDArray[np.int64], n_entries: int, rows: int) -> None:
    """The kernels read without bounds checks: what they will address is checked here, once a batch."""
    if offsets.size != rows + 1 or offsets[0] != 0 or offsets[-1] != ids.size:
        raise InputError(
            f"{rows} draws, {offsets.size} offsets, {ids.size} ids: rows + 1 offsets must run from 0 to the ids' end"
        )
    if rows and np.diff(offsets).min() < 0:
        row = int(np.argmax(np.diff(offsets) < 0))
        raise InputError(
            f"the offsets descend from {offsets[row]} to {offsets[row + 1]} in row {row}: each row must end at or "
            "after its start"
        )
    if ids.size and (ids.min() < 0 or ids.max() >= n_entries):
        raise InputError(
            f"entry ids from {ids.min()} to {ids.max()} do not fit the {n_entries} counts: ids and counts belong to "
            "different metadata"
        )
