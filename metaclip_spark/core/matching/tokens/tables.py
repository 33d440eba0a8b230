"""Layout of the word table and the phrase table, shared by the kernels that build them and those that search them.

`../DESIGN.md` explains the two tables.
"""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, no-any-return, return-value, call-arg, var-annotated"

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import multiply_fold
from metaclip_spark.core.word_hashing import UPPER_HALF
from metaclip_spark.host.kernel_cache import inlined_step, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TEXT_BYTES: Final = 2**32 - 1
"""Maximum size of all entries together: a slot of the word table has 32 bits for an offset."""

MAX_ENTRIES: Final = 2**30
"""Maximum number of entries: ids are int32."""

MAX_NODES: Final = 2**32 - 1
"""Maximum number of word slots and phrases together: the key of a phrase has 32 bits for a node."""

# A slot of the word table is four uint64, half a cache line. It contains one word.
WORD_SLOT: Final = 4
LOW: Final = 0  # bytes 0 to 7 of the word
HIGH: Final = 1  # bytes 8 to 15 of the word
SHAPE: Final = 2  # offset in the entries' text << 32 | length + 1; 0 marks a free slot
PAYLOAD: Final = 3  # (entry id + 1, or 0 if no entry consists of this word alone) << 32 | filter of the next words

# The filter in a word's payload has 32 bits. Bit (s % 32) is set if the word in slot s may follow this one in an entry.
# An unset bit saves the read of a cache line of the phrase table.
FILTER_BITS: Final = np.uint64(31)

# A slot of the phrase table is two uint64. A phrase is identified by the node of its first words and by its last word.
# The node of a single word is its slot in the word table. Phrases that a longer entry continues are numbered from the
# capacity of the word table upwards.
PHRASE_SLOT: Final = 2
KEY: Final = 0  # node of all words but the last << 32 | slot of the last word
PHRASE_PAYLOAD: Final = 1  # (entry id + 1, or 0 if no entry ends here) << 32 | node, or 0 if no entry continues here
FREE_PHRASE: Final = np.uint64(2**64 - 1)

# Odd constants with well-mixed bits; any such constants would do.
_MIX_KEY: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_PHRASE: Final = np.uint64(0xE7037ED1A0B428DB)
_MIX_PILOT: Final = np.uint64(0x8EBC6AF09C88C6E3)


class Tables(NamedTuple):
    """Compiled metadata in the form that `match_rows` searches. All arrays are read-only and C-contiguous.

    Attributes:
        words: Word table, uint64, shape (slots * WORD_SLOT,).
        word_pilots: Pilots that select the slot of each word, uint16, shape (buckets,).
        phrases: Phrase table, uint64, shape (slots * PHRASE_SLOT,).
        phrase_pilots: Pilots that select the slot of each phrase, uint16, shape (buckets,).
        text: UTF-8 of the entries, one after the other, and `PAD` zeros; uint8.
        seed: Seed of the word hash.
        max_word_bytes: Length of the longest word of any entry. A longer word of a caption is in no entry.
        max_entry_words: Number of words of the entry with the most words, at least 1.
    """

    words: NDArray[np.uint64]
    word_pilots: NDArray[np.uint16]
    phrases: NDArray[np.uint64]
    phrase_pilots: NDArray[np.uint16]
    text: NDArray[np.uint8]
    seed: np.uint64
    max_word_bytes: int
    max_entry_words: int


class TableView(NamedTuple):
    """`Tables` as plain numbers for the hot loops: addresses instead of arrays.

    Attributes:
        words: Address of the word table.
        word_capacity: Number of its slots.
        word_pilots: Address of its pilots, uint16.
        word_buckets: Number of its pilots.
        phrases: Address of the phrase table.
        phrase_capacity: Number of its slots.
        phrase_pilots: Address of its pilots, uint16.
        phrase_buckets: Number of its pilots.
        text: Address of the entries' text.
        seed: Seed of the word hash.
        max_word_bytes: Length of the longest word of any entry.
        max_entry_words: Number of words of the entry with the most words.
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
    max_word_bytes: int
    max_entry_words: int


@step
def view_of(tables: Tables) -> TableView:
    """Return the addresses and sizes of the tables, which the caller keeps alive."""
    return TableView(
        np.int64(tables.words.ctypes.data),
        np.int64(len(tables.words) // WORD_SLOT),
        np.int64(tables.word_pilots.ctypes.data),
        np.int64(len(tables.word_pilots)),
        np.int64(tables.phrases.ctypes.data),
        np.int64(len(tables.phrases) // PHRASE_SLOT),
        np.int64(tables.phrase_pilots.ctypes.data),
        np.int64(len(tables.phrase_pilots)),
        np.int64(tables.text.ctypes.data),
        tables.seed,
        tables.max_word_bytes,
        tables.max_entry_words,
    )


@inlined_step
def hash_phrase(key: np.uint64) -> np.uint64:
    """Hash the key of a phrase."""
    return multiply_fold(key ^ _MIX_KEY, _MIX_PHRASE)


@inlined_step
def bucket_of(hashed: np.uint64, buckets: int) -> int:
    """Return the number of the pilot that a key uses: the upper half of its hash, scaled to the number of buckets."""
    return np.int64(((hashed >> UPPER_HALF) * np.uint64(buckets)) >> UPPER_HALF)


@inlined_step
def slot_of(hashed: np.uint64, pilot: np.uint16, capacity: int) -> int:
    """Return the only slot that can contain a key. `find_pilots` chose the pilots so that no two keys share a slot."""
    mixed = multiply_fold(hashed ^ np.uint64(pilot), _MIX_PILOT)
    return np.int64(((mixed >> UPPER_HALF) * np.uint64(capacity)) >> UPPER_HALF)
