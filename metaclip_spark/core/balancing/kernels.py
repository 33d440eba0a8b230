"""Kernels that balance millions of rows per second. `rule.py` states the rule and checks their input.

The product that decides, `_miss`, is the plain loop of the rule, with the same operations in the same order, and
therefore the same bits. Without numba's fastmath, LLVM must not reorder these operations, nor fuse a product with the
subtraction that follows (as in q = 1 - miss), even on CPUs with fused instructions. A test reads the machine code.

The admission threshold is first estimated with cheaper arithmetic. Then `_miss` alone finds the exact smallest double.
The estimate determines how soon the threshold is found, not its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.host.kernel_cache import kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_STEPS = 12  # web captions take 2 or 3; `_min_admitting` corrects any remaining error
_CLOSE = 2.0**-18  # convergence of third order: the cube of an error of 2**-18 is below the precision of a double


@step
def _count_as_double(count: int) -> float:
    """Return a count as a double; 0, which occurs with frozen counts of another pool, is taken as 1."""
    return float(max(count, 1))


@step
def _miss(t: float, row_counts: NDArray[np.float64], matches: int) -> float:
    """Return the product of 1 - min(1, t / count), in order, starting at 1.0; it never grows with t."""
    product = 1.0
    for k in range(matches):
        product *= 1.0 - min(1.0, t / row_counts[k])
    return product


@step
def _estimate(target: float, reciprocals: NDArray[np.float64], matches: int, greatest: float) -> float:
    """Estimate the t with prod (1 - t / count) = target, by Halley's iteration from 0, without divisions per entry.

    A step of Halley's iteration needs the product and its first two derivatives, which one pass computes by the product
    rule. It converges with third order: in two or three steps, where Newton's iteration takes four or five.
    """
    t = 0.0
    product, slope, curvature = 1.0, 0.0, 0.0  # P, -P', P''/2; at t = 0 (a third of all steps) they are sums
    for k in range(matches):
        curvature += slope * reciprocals[k]
        slope += reciprocals[k]
    for _ in range(_MAX_STEPS):
        excess = product - target
        step = excess * slope / (slope * slope - excess * curvature)
        t += step
        if not 0.0 < t < greatest:  # out of range or nan: `_min_admitting` starts from the end of the range
            return greatest
        if abs(step) <= _CLOSE * t:
            break
        product, slope, curvature = 1.0, 0.0, 0.0
        for k in range(matches):
            factor = 1.0 - t * reciprocals[k]
            curvature = curvature * factor + slope * reciprocals[k]
            slope = slope * factor + product * reciprocals[k]
            product *= factor
    return t


@step
def _min_admitting(
    estimate: float, target: float, row_counts: NDArray[np.float64], matches: int, greatest: float
) -> float:
    """Return the smallest double t > 0 with `_miss(t)` <= target: bracket it with doubling strides, then bisect.

    Positive doubles have the order of their bit patterns, so the search runs over integers. At `below` the product is
    greater than the target (the pattern 0 is below every double); at `at` it is not (at the smallest count the product
    is 0). Each product either halves the gap or doubles the stride, so there are at most 64 + 64 of them; usually four.
    """
    below = np.int64(0)
    at = np.float64(greatest).view(np.int64)
    probe = np.float64(estimate).view(np.int64)
    stride = np.int64(1)
    if _miss(estimate, row_counts, matches) <= target:
        at = probe
        while at - below > stride:
            probe = at - stride
            if _miss(np.int64(probe).view(np.float64), row_counts, matches) > target:
                below = probe
                break
            at = probe
            stride *= 2
    else:
        below = probe
        while at - below > stride:
            probe = below + stride
            if _miss(np.int64(probe).view(np.float64), row_counts, matches) <= target:
                at = probe
                break
            below = probe
            stride *= 2
    while at - below > 1:
        probe = below + (at - below) // 2
        if _miss(np.int64(probe).view(np.float64), row_counts, matches) <= target:
            at = probe
        else:
            below = probe
    return np.int64(at).view(np.float64)


@kernel
def balance(  # noqa: PLR0917 - kernels are called by position
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    t: float,
    u: NDArray[np.float64],
    probability: NDArray[np.float64],
    threshold: NDArray[np.float64],
) -> None:
    """Fill `probability` and `threshold`, each of shape (rows,); see `rule.balance_rows`."""
    longest = np.int64(1)
    for row in range(u.size):
        longest = max(longest, offsets[row + 1] - offsets[row])
    row_counts = np.empty(longest)
    reciprocals = np.empty(longest)
    for row in range(u.size):
        start = offsets[row]
        matches = offsets[row + 1] - start
        greatest = np.inf
        for k in range(matches):
            count = _count_as_double(counts[ids[start + k]])
            greatest = min(greatest, count)
            row_counts[k] = count
            reciprocals[k] = 1.0 / count
        probability[row] = 1.0 - _miss(t, row_counts, matches)
        target = 1.0 - u[row]
        if matches == 0:
            threshold[row] = np.inf
        elif np.isnan(target):
            threshold[row] = np.nan
        else:
            estimate = _estimate(target, reciprocals, matches, greatest)
            threshold[row] = _min_admitting(estimate, target, row_counts, matches, greatest)
