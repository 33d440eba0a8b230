"""Steps 2 and 3 of matching: look the words up, then walk the phrases that they begin, level by level."""

# numba types these functions by what they are called with; for mypy an np.int64 is no int, and intrinsics have no type.
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
from metaclip_spark.core.word_hashing import (
    CHILD_BITS,
    HIGH,
    INLINE_BYTES,
    KEY,
    LOW,
    LOW_HALF,
    ONE,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    SHAPE,
    UPPER_HALF,
    WORD_SLOT,
    TableView,
    bucket_of,
    hash_phrase,
    same_bytes,
    slot_of,
)
from metaclip_spark.host.kernel_cache import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.tokens.scan import Block

_ABSENT: Final = np.int32(-1)
_PHRASE_SLOT_BYTES: Final = 8 * PHRASE_SLOT


class Walks(NamedTuple):
    """Phrases that may go on: the address of one column per property.

    Attributes:
        node: int64, reached so far.
        word: int32, position in the block of the word that may continue it.
        key: uint64, of the phrase so continued.
        slot: int64, the only place where that can be.
    """

    node: int
    word: int
    key: int
    slot: int


@step
def look_up_words(block: Block, count: int, tables: TableView) -> None:
    """Find each word of a block in the word table: its slot, or -1, and its payload, or 0.

    Equality is exact: key and length, and for a long word all bytes of the entries' text that it stands for.

    Bounds: slots are below the table's capacity. A long word is compared only if it is as long as one of the entries'
    text, which is padded: the last load stays inside. The sentinel is written behind `count` words.
    """
    for i in range(count):
        slot = get_i32(block.slot, i)
        length = get_i64(block.length, i)
        at = np.int64(np.uint32(slot)) * WORD_SLOT
        shape = get_u64(tables.words, at + SHAPE)
        # & and not `and`, selects and not branches: whether a word is known cannot be predicted
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
    put_i32(block.slot, count, _ABSENT)  # a sentinel: no phrase runs over the end of the block


@step
def begin_walks(block: Block, count: int, walks: Walks) -> int:
    """Neighbouring words of one row that may begin a phrase; at most one per word, so that `walks` has room.

    Returns:
        number of walks.
    """
    begun = 0
    for i in range(count):
        child = get_i32(block.slot, i + 1)
        may_go_on = (
            ((get_u64(block.payload, i) >> (np.uint64(child) & CHILD_BITS)) & ONE != 0)
            & (child != _ABSENT)
            & (get_i32(block.row, i) == get_i32(block.row, i + 1))
        )
        put_i64(walks.node, begun, np.int64(np.uint32(get_i32(block.slot, i))))
        put_i32(walks.word, begun, np.int32(i + 1))
        begun += np.int64(may_go_on)
    return begun


@step
def aim_walks(block: Block, tables: TableView, walks: Walks, active: int) -> None:
    """Key and slot of each walk's next phrase; the slots begin to load."""
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
def take_step(
    block: Block, tables: TableView, walks: Walks, active: int, hits: NDArray[np.uint64], found: int
) -> tuple[int, int]:
    """Look up each walk's phrase: note the entry that ends there, and keep the walk if the phrase goes on.

    A walk that goes on takes the place of itself or of an earlier one, which has been read. Each notes at most one hit:
    the caller gives `hits` room for `active` more, and one that is written but not kept.

    Returns:
        number of walks that go on; number of hits.
    """
    hit = np.int64(hits.ctypes.data)
    going_on = 0
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
        goes_on = (node != 0) & (get_i32(block.slot, word + 1) != _ABSENT) & (row == get_i32(block.row, word + 1))
        put_i64(walks.node, going_on, np.int64(node))
        put_i32(walks.word, going_on, np.int32(word + 1))
        going_on += np.int64(goes_on)
    return going_on, found


@step
def walk_phrases(
    block: Block, count: int, tables: TableView, walks: Walks, hits: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], int]:
    """Find all entries of two words or more in a block, one level of the trie after the other.

    By levels, because then all slots of a level load at once; a walk to its end would wait for each in turn.

    Args:
        block: words, looked up.
        count: their number.
        tables: compiled metadata.
        walks: scratch for as many walks as words, and one more.
        hits: scratch, replaced by a larger array when it is too small.

    Returns:
        hits, each row of the block << 32 | entry id, in no order of use; their number.
    """
    active = begin_walks(block, count, walks)
    found = np.int64(0)
    while active > 0:
        if found + active + 1 > len(hits):
            larger = np.empty(2 * (found + active + 1), np.uint64)
            for i in range(found):
                larger[i] = hits[i]
            hits = larger
        aim_walks(block, tables, walks, active)
        active, found = take_step(block, tables, walks, active, hits, found)
    return hits, found
