"""Kernels that count recorded pairs of neighbours and write them as text."""

# numba infers types at the call. mypy rejects np.uint64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return, assignment, return-value, call-arg"

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.ngrams.word_table import copy_short
from metaclip_spark.core.word_hashing import LOW_HALF, PAD, UPPER_HALF
from metaclip_spark.host.kernel_cache import kernel, lean_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.ngrams.word_table import WordTable

_SPACE: Final = 32


@lean_kernel
def count_sorted_pairs(pairs: NDArray[np.uint64], counts: NDArray[np.int64]) -> int:
    """Move the distinct pairs of a sorted array to its start, and count the occurrences of each.

    Args:
        pairs: Pairs in ascending order; overwritten.
        counts: Counts, as long as `pairs`; written.

    Returns:
        Number of distinct pairs.
    """
    distinct = np.int64(0)
    for i in range(len(pairs)):
        if distinct > 0 and pairs[i] == pairs[distinct - 1]:
            counts[distinct - 1] += 1
        else:
            pairs[distinct] = pairs[i]
            counts[distinct] = 1
            distinct += 1
    return distinct


@kernel
def write_pairs(pairs: NDArray[np.uint64], table: WordTable, ends: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Write pairs as text: two words with a space between them, one pair after the other.

    Args:
        pairs: Distinct pairs of a table.
        table: Table with the words of the pairs.
        ends: End of each pair in the result, int32, shape (pairs + 1,); written, except for the first, which is 0.

    Returns:
        Text of the pairs, followed by `PAD` undefined bytes.
    """
    for i in range(len(pairs)):
        first, second = np.int64(pairs[i] >> UPPER_HALF), np.int64(pairs[i] & LOW_HALF)
        length = table.ends[first + 1] - table.ends[first] + 1 + table.ends[second + 1] - table.ends[second]
        ends[i + 1] = ends[i] + length
    text = np.empty(ends[len(pairs)] + PAD, np.uint8)
    source, target = np.int64(table.text.ctypes.data), np.int64(text.ctypes.data)
    for i in range(len(pairs)):
        first, second = np.int64(pairs[i] >> UPPER_HALF), np.int64(pairs[i] & LOW_HALF)
        start, size = np.int64(table.ends[first]), np.int64(table.ends[first + 1] - table.ends[first])
        copy_short(source + start, size, target + ends[i])
        text[ends[i] + size] = _SPACE
        start, end = np.int64(table.ends[second]), np.int64(table.ends[second + 1])
        copy_short(source + start, end - start, target + ends[i] + size + 1)
    return text
