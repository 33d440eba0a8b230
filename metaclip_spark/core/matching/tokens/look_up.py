"""Steps 3 and 4 of matching: look up the words, then follow the phrases that they start through the trie of phrases."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import (
    get_i32,
    get_i64,
    get_u16,
    get_u64,
    prefetch,
    put_i32,
    put_i64,
    put_u64,
)
from metaclip_spark.core.matching.tokens.tables import (
    FILTER_BITS,
    HIGH,
    KEY,
    LOW,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    SHAPE,
    WORD_SLOT,
    TableView,
    bucket_of,
    hash_phrase,
    slot_of,
)
from metaclip_spark.core.word_hashing import INLINE_BYTES, LOW_HALF, ONE, UPPER_HALF, same_bytes
from metaclip_spark.host.kernel_cache import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.tokens.split_words import Block

_ABSENT: Final = np.int32(-1)
_PHRASE_SLOT_BYTES: Final = 8 * PHRASE_SLOT


class Walks(NamedTuple):
    """Walks down the trie of phrases, as the addresses of one column per property.

    A walk has reached a node, and the next word of the caption may continue it.

    Attributes:
        node: Node reached so far, int64.
        word: Position in the block of the next word, int32.
        key: Key of the phrase that the next word would make, uint64.
        slot: Only slot of the phrase table that can contain that phrase, int64.
    """

    node: int
    word: int
    key: int
    slot: int


@step
def look_up_words(block: Block, count: int, tables: TableView) -> None:
    """Find each word of a block in the word table: set its slot, or -1, and its payload, or 0.

    The comparison is exact: key and length, and for a long word all bytes of the equal word in the entries' text.

    Bounds: slots are below the capacity of the table. A long word is compared only with a word of the same length in
    the entries' text, which is padded, so that the last load stays inside. The sentinel is written after `count` words.
    """
    for i in range(count):
        slot = get_i32(block.slot, i)
        length = get_i64(block.length, i)
        at = np.int64(np.uint32(slot)) * WORD_SLOT
        shape = get_u64(tables.words, at + SHAPE)
        # `&` instead of `and`, and selects instead of branches: whether a word is known cannot be predicted.
        found = (
            (get_u64(tables.words, at + LOW) == get_u64(block.low, i))
            & (get_u64(tables.words, at + HIGH) == get_u64(block.high, i))
            & (shape & LOW_HALF == np.uint64(length + 1))
        )
        if length > INLINE_BYTES and found:
            found = same_bytes(get_i64(block.start, i), tables.text + np.int64(shape >> UPPER_HALF), length)
        payload = get_u64(tables.words, at + PAYLOAD)
        put_i32(block.slot, i, slot if found else _ABSENT)
        put_u64(block.payload, i, payload if found else np.uint64(0))
    put_i32(block.slot, count, _ABSENT)  # a sentinel: no phrase continues past the end of the block


@step
def start_walks(block: Block, count: int, walks: Walks) -> int:
    """Start a walk at each pair of neighbouring words of one row that may start a phrase.

    Bounds: at most one walk is started per word, and `walks` has room for that.

    Returns:
        Number of walks.
    """
    started = 0
    for i in range(count):
        child = get_i32(block.slot, i + 1)
        may_continue = (
            ((get_u64(block.payload, i) >> (np.uint64(child) & FILTER_BITS)) & ONE != 0)
            & (child != _ABSENT)
            & (get_i32(block.row, i) == get_i32(block.row, i + 1))
        )
        put_i64(walks.node, started, np.int64(np.uint32(get_i32(block.slot, i))))
        put_i32(walks.word, started, np.int32(i + 1))
        started += np.int64(may_continue)
    return started


@step
def prefetch_phrases(block: Block, tables: TableView, walks: Walks, active: int) -> None:
    """Compute the key and the slot of the next phrase of each walk, and start to load the slots into the cache."""
    for i in range(active):
        child = np.uint32(get_i32(block.slot, np.int64(get_i32(walks.word, i))))
        key = (np.uint64(get_i64(walks.node, i)) << UPPER_HALF) | np.uint64(child)
        hashed = hash_phrase(key)
        pilot = get_u16(tables.phrase_pilots, bucket_of(hashed, tables.phrase_buckets))
        slot = slot_of(hashed, pilot, tables.phrase_capacity)
        prefetch(tables.phrases + slot * _PHRASE_SLOT_BYTES)
        put_u64(walks.key, i, key)
        put_i64(walks.slot, i, slot)


@step
def advance_walks(
    block: Block, tables: TableView, walks: Walks, active: int, hits: NDArray[np.uint64], found: int
) -> tuple[int, int]:
    """Advance each walk by one word: record the entry that ends there, and keep the walk if a longer phrase may follow.

    A kept walk overwrites its own place or an earlier one, which has already been read.

    Bounds: each walk records at most one hit. The caller provides room in `hits` for `active` more, and for one more
    that is written but not kept.

    Returns:
        Number of walks that continue, and number of hits.
    """
    hit = np.int64(hits.ctypes.data)
    kept = 0
    for i in range(active):
        at = get_i64(walks.slot, i) * PHRASE_SLOT
        payload = get_u64(tables.phrases, at + PHRASE_PAYLOAD)
        payload = payload if get_u64(tables.phrases, at + KEY) == get_u64(walks.key, i) else np.uint64(0)
        word = np.int64(get_i32(walks.word, i))
        row = get_i32(block.row, word)
        entry = payload >> UPPER_HALF
        put_u64(hit, found, (np.uint64(row) << UPPER_HALF) | (entry - ONE))
        found += np.int64(entry != 0)
        node = payload & LOW_HALF
        continues = (node != 0) & (get_i32(block.slot, word + 1) != _ABSENT) & (row == get_i32(block.row, word + 1))
        put_i64(walks.node, kept, np.int64(node))
        put_i32(walks.word, kept, np.int32(word + 1))
        kept += np.int64(continues)
    return kept, found


@step
def walk_phrases(
    block: Block, count: int, tables: TableView, walks: Walks, hits: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], int]:
    """Find all matches of entries of two words or more in a block, one level of the trie after the other.

    All walks advance together, so that the slots of a level load at the same time. A single walk followed to its end
    would wait for the memory at each level.

    Args:
        block: Words that have been looked up.
        count: Number of words.
        tables: Addresses of the tables.
        walks: Scratch with room for one walk more than there are words.
        hits: Scratch, replaced by a larger array when it is too small.

    Returns:
        Hits, each as row of the block << 32 | entry id, not sorted; and their number.
    """
    active = start_walks(block, count, walks)
    found = np.int64(0)
    while active > 0:
        if found + active + 1 > len(hits):
            larger = np.empty(2 * (found + active + 1), np.uint64)
            for i in range(found):
                larger[i] = hits[i]
            hits = larger
        prefetch_phrases(block, tables, walks, active)
        active, found = advance_walks(block, tables, walks, active, hits, found)
    return hits, found
