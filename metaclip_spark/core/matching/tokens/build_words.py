"""Kernels that build the word table: split the entries into words, number the distinct words, write them into slots."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.matching.tokens.tables import HIGH, LOW, SHAPE, WORD_SLOT
from metaclip_spark.core.word_hashing import UPPER_HALF, hash_word, same_bytes, word_high, word_low
from metaclip_spark.host.kernel_cache import kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPACE: Final = np.uint8(32)
_FREE: Final = -1


@kernel
def split_entries(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], matchable: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Split each matchable entry at single spaces: n spaces give n + 1 words, empty words included.

    Args:
        text: UTF-8 of all entries, one after the other.
        offsets: Start of each entry and the end of the last, shape (entries + 1,).
        matchable: Whether an entry can match, shape (entries,). Entries that cannot get no words.

    Returns:
        Start and length of each word in `text`, shape (words,); and the first word of each entry, shape (entries + 1,).
    """
    entries = len(offsets) - 1
    first_word = np.empty(entries + 1, np.int64)
    count = 0
    for entry in range(entries):
        first_word[entry] = count
        if matchable[entry]:
            count += 1
            for i in range(offsets[entry], offsets[entry + 1]):
                count += text[i] == _SPACE
    first_word[entries] = count
    start = np.empty(count, np.int64)
    length = np.empty(count, np.int64)
    word = 0
    for entry in range(entries):
        if matchable[entry]:
            start[word] = offsets[entry]
            for i in range(offsets[entry], offsets[entry + 1]):
                if text[i] == _SPACE:
                    length[word] = i - start[word]
                    word += 1
                    start[word] = i + 1
            length[word] = offsets[entry + 1] - start[word]
            word += 1
    return start, length, first_word


@step
def _hash_at(address: int, length: int, seed: np.uint64) -> np.uint64:
    return hash_word(address, word_low(address, length), word_high(address, length), length, seed)


@kernel
def number_words(
    text: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64], capacity: int, seed: np.uint64
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each distinct word a number, in the order of first appearance.

    Args:
        text: Bytes that contain the words, followed by at least 64 more.
        start: Start of each word in `text`, shape (words,).
        length: Length of each word in bytes, shape (words,).
        capacity: Slots of the scratch table: a power of two above the number of words, so that each search ends at a
            free slot.
        seed: Seed of the word hash.

    Returns:
        Number of each word, shape (words,); and position of the first appearance of each number, shape (distinct,).
    """
    base = np.int64(text.ctypes.data)
    slots = np.full(capacity, _FREE, np.int64)
    number = np.empty(len(start), np.int64)
    first = np.empty(len(start), np.int64)
    distinct = 0
    for i in range(len(start)):
        address = base + start[i]
        slot = np.int64(_hash_at(address, length[i], seed) & np.uint64(capacity - 1))
        while True:
            other = slots[slot]
            if other == _FREE:
                slots[slot] = distinct
                first[distinct] = i
                number[i] = distinct
                distinct += 1
                break
            j = first[other]
            if length[j] == length[i] and same_bytes(address, base + start[j], length[i]):
                number[i] = other
                break
            slot = (slot + 1) & (capacity - 1)
    return number, first[:distinct].copy()


@kernel
def hash_distinct_words(
    text: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64], seed: np.uint64
) -> NDArray[np.uint64]:
    """Return the hash of each word. The arguments are those of `number_words`."""
    base = np.int64(text.ctypes.data)
    hashed = np.empty(len(start), np.uint64)
    for i in range(len(start)):
        hashed[i] = _hash_at(base + start[i], length[i], seed)
    return hashed


@kernel
def place_words(
    text: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    slots: NDArray[np.int64],
    capacity: int,
) -> NDArray[np.uint64]:
    """Write the distinct words into their slots, with empty payloads.

    Args:
        text: Bytes that contain the words, followed by at least 64 more.
        start: Start of each distinct word in `text`, shape (distinct,).
        length: Length of each distinct word in bytes, shape (distinct,).
        slots: Slot of each distinct word, shape (distinct,).
        capacity: Number of slots of the word table.

    Returns:
        The word table, shape (capacity * WORD_SLOT,).
    """
    base = np.int64(text.ctypes.data)
    table = np.zeros(capacity * WORD_SLOT, np.uint64)
    for i in range(len(start)):
        address = base + start[i]
        at = slots[i] * WORD_SLOT
        table[at + LOW] = word_low(address, length[i])
        table[at + HIGH] = word_high(address, length[i])
        table[at + SHAPE] = (np.uint64(start[i]) << UPPER_HALF) | np.uint64(length[i] + 1)
    return table
