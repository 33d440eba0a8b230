"""Keys and hashes of words and phrases: shared by the kernels that build the tables and those that look into them.

A *word* is what stands between two delimiters of a spaced caption, the empty word included. Its key is its first 16
bytes as two little-endian numbers, zero-padded, and its length: for up to 16 bytes the key is the word.
"""

# numba types these functions by what they are called with; for mypy an np.int64 is no int, and intrinsics have no type.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import load_8_bytes, multiply_fold
from metaclip_spark.host.kernel_cache import inlined_step, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

INLINE_BYTES: Final = 16
"""Length up to which a word stands in its slot in full; a longer one is compared with the entries' text as well."""

# Slots of the word table: four uint64, half a cache line.
WORD_SLOT: Final = 4
LOW: Final = 0  # bytes 0 to 7
HIGH: Final = 1  # bytes 8 to 15
SHAPE: Final = 2  # offset in the entries' text << 32 | length + 1; 0 marks a free slot
PAYLOAD: Final = 3

# Payload of a word: entry id + 1 << 32, or 0 there if no entry is just this word | bit (child % 32) for each word slot
# `child` that continues it. No bits: nothing does. A bit that is not set saves the probe of a cache line.

# Slots of the phrase table: two uint64. A phrase is a node of a trie: its first words (a node) and one more word.
PHRASE_SLOT: Final = 2
KEY: Final = 0  # node of all words but the last << 32 | slot of the last word
PHRASE_PAYLOAD: Final = 1  # entry id + 1 << 32, or 0 there if no entry ends here | node, or 0 if nothing continues it
FREE_PHRASE: Final = np.uint64(2**64 - 1)

# Nodes: that of a word is its slot; phrases that go on are numbered from the word table's capacity upwards.

UPPER_HALF: Final = np.uint64(32)
LOW_HALF: Final = np.uint64(2**32 - 1)
CHILD_BITS: Final = np.uint64(31)

ONE: Final = np.uint64(1)
# Odd constants with mixed bits (fractions of the golden ratio and of square roots); any such would do.
_MIX_LOW: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_HIGH: Final = np.uint64(0xD6E8FEB86659FD93)
_MIX_REST: Final = np.uint64(0xA0761D6478BD642F)
_MIX_PHRASE: Final = np.uint64(0xE7037ED1A0B428DB)
_MIX_PILOT: Final = np.uint64(0x8EBC6AF09C88C6E3)

# Bytes of a word of length n that belong to it, for its first and its second half: a table instead of two branches.
_LENGTHS: Final = range(INLINE_BYTES + 1)
_LOW_MASK: Final = np.array([(1 << 8 * min(n, 8)) - 1 for n in _LENGTHS], np.uint64)
_HIGH_MASK: Final = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in _LENGTHS], np.uint64)


PAD: Final = 64
"""Readable bytes behind every text that kernels read, because they load 64 at once."""


class Tables(NamedTuple):
    """What kernels see of compiled metadata. All arrays are read-only and C-contiguous.

    Attributes:
        words: uint64, shape (slots * 4,), the word table.
        word_pilots: uint16, shape (buckets,), which slot each word is in.
        phrases: uint64, shape (slots * 2,), the phrase table.
        phrase_pilots: uint16, shape (buckets,), which slot each phrase is in.
        text: uint8, the entries' UTF-8 one after the other and `PAD` zeros.
        seed: uint64, of the word hash.
        longest_word: int64, bytes of the longest word of any entry; a longer one of a caption is in no table.
        most_words: int64, words of the entry with the most of them, at least 1.
    """

    words: NDArray[np.uint64]
    word_pilots: NDArray[np.uint16]
    phrases: NDArray[np.uint64]
    phrase_pilots: NDArray[np.uint16]
    text: NDArray[np.uint8]
    seed: np.uint64
    longest_word: int
    most_words: int


class TableView(NamedTuple):
    """`Tables` as the hot loops see them: addresses and plain numbers.

    Attributes:
        words: address of the word table.
        word_capacity: its number of slots.
        word_pilots: address of its pilots, uint16.
        word_buckets: their number.
        phrases: address of the phrase table.
        phrase_capacity: its number of slots.
        phrase_pilots: address of its pilots, uint16.
        phrase_buckets: their number.
        text: address of the entries' text.
        seed: of the word hash.
        longest_word: bytes of the longest word of any entry.
        most_words: words of the entry with the most of them.
    """

    words: int
    word_capacity: int
    word_pilots: int
    word_buckets: int
    phrases: int
    phrase_capacity: int
    phrase_pilots: int
    phrase_buckets: int
    text: int
    seed: np.uint64
    longest_word: int
    most_words: int


@inlined_step
def word_low(address: int, length: int) -> np.uint64:
    """First half of a word's key. Reads 8 bytes at `address`, whatever the length."""
    return load_8_bytes(address) & _LOW_MASK[min(length, INLINE_BYTES)]


@inlined_step
def word_high(address: int, length: int) -> np.uint64:
    """Second half of a word's key. Reads 8 bytes at `address + 8`, whatever the length."""
    return load_8_bytes(address + 8) & _HIGH_MASK[min(length, INLINE_BYTES)]


@step
def fold_rest(address: int, length: int) -> np.uint64:
    """Hash of the bytes of a long word after its key. Reads up to 8 bytes past the word's end."""
    folded = _MIX_REST
    position = INLINE_BYTES
    while position + 8 <= length:
        folded = multiply_fold(folded ^ load_8_bytes(address + position), _MIX_LOW)
        position += 8
    last = load_8_bytes(address + position) & _LOW_MASK[length - position]
    return multiply_fold(folded ^ last, _MIX_LOW)


@inlined_step
def hash_word(low: np.uint64, high: np.uint64, length: int, seed: np.uint64) -> np.uint64:
    """Hash of a word of up to 16 bytes; for a longer one `high` is first xored with `fold_rest`."""
    return multiply_fold(low ^ _MIX_LOW ^ seed, high ^ _MIX_HIGH ^ np.uint64(length))


@inlined_step
def hash_phrase(key: np.uint64) -> np.uint64:
    """Hash of a phrase's key."""
    return multiply_fold(key ^ _MIX_LOW, _MIX_PHRASE)


@inlined_step
def bucket_of(hashed: np.uint64, buckets: int) -> int:
    """Which pilot a key uses: the upper half of its hash, scaled to the number of buckets by a product."""
    return np.int64(((hashed >> UPPER_HALF) * np.uint64(buckets)) >> UPPER_HALF)


@inlined_step
def slot_of(hashed: np.uint64, pilot: np.uint16, capacity: int) -> int:
    """The only slot in which a key can be. Pilots are chosen so that no two keys of a table have the same."""
    mixed = multiply_fold(hashed ^ np.uint64(pilot), _MIX_PILOT)
    return np.int64(((mixed >> UPPER_HALF) * np.uint64(capacity)) >> UPPER_HALF)


@step
def same_bytes(a: int, b: int, length: int) -> bool:
    """Whether `length` bytes at two addresses are equal. Reads up to 8 bytes past either end."""
    position = 0
    while position + 8 <= length:
        if load_8_bytes(a + position) != load_8_bytes(b + position):
            return False
        position += 8
    mask = _LOW_MASK[length - position]
    return (load_8_bytes(a + position) & mask) == (load_8_bytes(b + position) & mask)
