"""Steps 2 and 3 of matching: look the words up, then walk the phrases that they begin, level by level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaclip_spark.core.jit import step
from metaclip_spark.core.matching.intrinsics import prefetch
from metaclip_spark.core.matching.kernels_hash import (
    CHILD_BITS,
    ENTRY_SHIFT,
    FREE_PHRASE,
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
    WORD_SLOT,
    hash_phrase,
    same_bytes,
)
from metaclip_spark.core.matching.kernels_scan import Block
from metaclip_spark.core.matching.tables import Tables

_ABSENT: int = -1
_PHRASE_SLOT_BYTES: int = 8 * PHRASE_SLOT


class Walks(NamedTuple):
    """Phrases that may go on, one array per property.

    Attributes:
        key: uint64, node reached so far << 32 | slot of the next word.
        slot: int64, where the search in the phrase table begins.
        word: int64, position of that next word in the block.
    """

    key: NDArray[np.uint64]
    slot: NDArray[np.int64]
    word: NDArray[np.int64]


class Hits(NamedTuple):
    """Entries of two words or more that were found: row of the block and entry id, both int32."""

    row: NDArray[np.int32]
    entry: NDArray[np.int32]


@step
def new_walks(words: int) -> Walks:
    """Scratch for that many walks."""
    return Walks(np.empty(words, np.uint64), np.empty(words, np.int64), np.empty(words, np.int64))


@step
def look_up_words(block: Block, count: int, tables: Tables) -> None:
    """Find each word of a block in the word table: its slot, or -1, and its payload, or 0.

    Equality is exact: the whole key and length, and for a long word all bytes of the entries' text that it stands for.
    Bounds: a slot is a hash masked to the table's size; searches end because the table has a free slot.
    """
    words = tables.words
    last_slot = len(words) // WORD_SLOT - 1
    text = np.int64(tables.text.ctypes.data)
    for i in range(count):
        slot = block.slot[i]
        length = block.length[i]
        wanted = np.uint64(length + 1)
        found = _ABSENT
        payload = np.uint64(0)
        while True:
            at = slot * WORD_SLOT
            shape = words[at + SHAPE]
            if shape == 0:
                break
            if words[at + LOW] == block.low[i] and words[at + HIGH] == block.high[i] and shape & LOW_HALF == wanted:
                # Long words of the table lie in `text`, which is padded: the last load of same_bytes stays inside.
                if length <= INLINE_BYTES or same_bytes(block.start[i], text + np.int64(shape >> ENTRY_SHIFT), length):
                    found = slot
                    payload = words[at + PAYLOAD]
                    break
            slot = (slot + 1) & last_slot
        block.slot[i] = found
        block.payload[i] = payload


@step
def begin_walks(block: Block, count: int, tables: Tables, walks: Walks) -> int:
    """Pairs of neighbouring words of one row that may begin a phrase; at most one per word, so `walks` cannot overflow.

    Returns:
        number of walks.
    """
    last_slot = len(tables.phrases) // PHRASE_SLOT - 1
    phrases = np.int64(tables.phrases.ctypes.data)
    begun = 0
    for i in range(count - 1):
        child = block.slot[i + 1]
        may_go_on = (block.payload[i] >> (np.uint64(child) & CHILD_BITS)) & ONE
        if may_go_on and child != _ABSENT and block.row[i] == block.row[i + 1]:
            key = (np.uint64(block.slot[i]) << np.uint64(32)) | np.uint64(child)
            slot = np.int64(hash_phrase(key)) & last_slot
            prefetch(phrases + slot * _PHRASE_SLOT_BYTES)
            walks.key[begun] = key
            walks.slot[begun] = slot
            walks.word[begun] = i + 1
            begun += 1
    return begun


@step
def walk_level(
    block: Block, count: int, tables: Tables, walks: Walks, active: int, hits: Hits, found: int
) -> tuple[int, int]:
    """Take each active walk one word further: note the entry that ends there, and begin its next step.

    A walk goes on in place of itself or of an earlier one, so `walks` is read before it is written; each notes at most
    one hit, so `hits` must have room for `active` more (the caller sees to that).

    Returns:
        number of walks that go on; number of hits.
    """
    phrases = tables.phrases
    last_slot = len(phrases) // PHRASE_SLOT - 1
    address = np.int64(phrases.ctypes.data)
    first_node = np.int64(len(tables.words) // WORD_SLOT)
    going_on = 0
    for i in range(active):
        slot = walks.slot[i]
        key = walks.key[i]
        while phrases[slot * PHRASE_SLOT + KEY] != key and phrases[slot * PHRASE_SLOT + KEY] != FREE_PHRASE:
            slot = (slot + 1) & last_slot
        if phrases[slot * PHRASE_SLOT + KEY] != key:
            continue
        payload = phrases[slot * PHRASE_SLOT + PHRASE_PAYLOAD]
        word = walks.word[i]
        if payload >> ENTRY_SHIFT != 0:
            hits.row[found] = np.int32(block.row[word])
            hits.entry[found] = np.int32(np.int64(payload >> ENTRY_SHIFT) - 1)
            found += 1
        if payload & LOW_HALF != 0 and word + 1 < count and block.row[word] == block.row[word + 1]:
            child = block.slot[word + 1]
            if child != _ABSENT and (payload >> (np.uint64(child) & CHILD_BITS)) & ONE:
                key = (np.uint64(first_node + slot) << np.uint64(32)) | np.uint64(child)
                slot = np.int64(hash_phrase(key)) & last_slot
                prefetch(address + slot * _PHRASE_SLOT_BYTES)
                walks.key[going_on] = key
                walks.slot[going_on] = slot
                walks.word[going_on] = word + 1
                going_on += 1
    return going_on, found


@step
def new_hits(capacity: int) -> Hits:
    """Scratch for that many hits."""
    return Hits(np.empty(capacity, np.int32), np.empty(capacity, np.int32))


@step
def room_for_hits(hits: Hits, found: int, more: int) -> Hits:
    """The same hits with room for `more`, moved to larger arrays if need be."""
    if found + more <= len(hits.row):
        return hits
    larger = new_hits(2 * (found + more))
    larger.row[:found] = hits.row[:found]
    larger.entry[:found] = hits.entry[:found]
    return larger


@step
def walk_phrases(block: Block, count: int, tables: Tables, walks: Walks, hits: Hits) -> tuple[Hits, int]:
    """Find all entries of two words or more in a block.

    Returns:
        the hits (perhaps moved) and their number. Hits of one level are in the order of rows, levels follow each other.
    """
    active = begin_walks(block, count, tables, walks)
    found = 0
    while active > 0:
        hits = room_for_hits(hits, found, active)
        active, found = walk_level(block, count, tables, walks, active, hits, found)
    return hits, found
