"""Keys and hashes of words, shared by the matcher and by the n-gram counter.

A *word* is the text between two delimiters of a spaced caption; it may be empty. Its key is its first 16 bytes, as two
little-endian numbers padded with zeros, and its length. For a word of up to 16 bytes, the key is the complete word.
"""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"

from __future__ import annotations

from typing import Final

import numpy as np

from metaclip_spark.core.intrinsics import load_8_bytes, multiply_fold
from metaclip_spark.host.kernel_cache import inlined_step, step

INLINE_BYTES: Final = 16
"""Maximum length of a word that its key represents completely. Longer words are compared byte by byte as well."""

PAD: Final = 64
"""Readable bytes required after every text that kernels read, because they load up to 64 bytes at once."""

UPPER_HALF: Final = np.uint64(32)
LOW_HALF: Final = np.uint64(2**32 - 1)
ONE: Final = np.uint64(1)

# Odd constants with well-mixed bits (fractions of the golden ratio and of square roots); any such constants would do.
_MIX_LOW: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_HIGH: Final = np.uint64(0xD6E8FEB86659FD93)
_MIX_REST: Final = np.uint64(0xA0761D6478BD642F)

# Masks that keep the bytes of a word of length n in each half of its key: a table instead of two branches.
_LENGTHS: Final = range(INLINE_BYTES + 1)
_LOW_MASK: Final = np.array([(1 << 8 * min(n, 8)) - 1 for n in _LENGTHS], np.uint64)
_HIGH_MASK: Final = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in _LENGTHS], np.uint64)


@inlined_step
def word_low(address: int, length: int) -> np.uint64:
    """Return the first half of a word's key. Reads 8 bytes at `address`, whatever the length."""
    return load_8_bytes(address) & _LOW_MASK[min(length, INLINE_BYTES)]


@inlined_step
def word_high(address: int, length: int) -> np.uint64:
    """Return the second half of a word's key. Reads 8 bytes at `address + 8`, whatever the length."""
    return load_8_bytes(address + 8) & _HIGH_MASK[min(length, INLINE_BYTES)]


@step
def fold_rest(address: int, length: int) -> np.uint64:
    """Hash the bytes of a long word that follow its first 16. Reads up to 8 bytes past the end of the word."""
    folded = _MIX_REST
    position = INLINE_BYTES
    while position + 8 <= length:
        folded = multiply_fold(folded ^ load_8_bytes(address + position), _MIX_LOW)
        position += 8
    last = load_8_bytes(address + position) & _LOW_MASK[length - position]
    return multiply_fold(folded ^ last, _MIX_LOW)


@inlined_step
def hash_key(low: np.uint64, high: np.uint64, length: int, seed: np.uint64) -> np.uint64:
    """Hash a word's key. For a word of more than 16 bytes, xor `high` with `fold_rest` first, as `hash_word` does."""
    return multiply_fold(low ^ _MIX_LOW ^ seed, high ^ _MIX_HIGH ^ np.uint64(length))


@inlined_step
def hash_word(address: int, low: np.uint64, high: np.uint64, length: int, seed: np.uint64) -> np.uint64:
    """Hash a word, given its address and both halves of its key."""
    rest = high ^ fold_rest(address, length) if length > INLINE_BYTES else high
    return hash_key(low, rest, length, seed)


@step
def same_bytes(a: int, b: int, length: int) -> bool:
    """Return whether `length` bytes at two addresses are equal. Reads up to 8 bytes past the end of both."""
    position = 0
    while position + 8 <= length:
        if load_8_bytes(a + position) != load_8_bytes(b + position):
            return False
        position += 8
    mask = _LOW_MASK[length - position]
    return (load_8_bytes(a + position) & mask) == (load_8_bytes(b + position) & mask)
