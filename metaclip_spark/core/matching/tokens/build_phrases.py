"""Kernels that build the phrase table: number the phrases, compute keys, record where entries end or continue."""

# numba infers types at the call. mypy rejects np.int64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.matching.tokens.tables import (
    FILTER_BITS,
    FREE_PHRASE,
    KEY,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    WORD_SLOT,
    hash_phrase,
)
from metaclip_spark.core.word_hashing import ONE, UPPER_HALF
from metaclip_spark.host.kernel_cache import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FREE: Final = -1


@kernel
def number_phrases(
    number: NDArray[np.int64], first_word: NDArray[np.int64], words: int, capacity: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Build the trie of the entries' words: a node for each word and for each prefix of two words or more.

    The numbers of nodes here are scratch numbers: words from 0 to words - 1, then the phrases.

    Args:
        number: Number of each word of the entries, as `number_words` returns it.
        first_word: First word of each entry, shape (entries + 1,).
        words: Number of distinct words.
        capacity: Slots of the scratch table: a power of two above the number of prefixes.

    Returns:
        Parent node and last word of each phrase, shape (phrases,), parents first; and the node at which each entry
        ends, shape (entries,), -1 for an entry without words.
    """
    limit = len(number)
    parent = np.empty(limit, np.int64)
    last = np.empty(limit, np.int64)
    end = np.full(len(first_word) - 1, -1, np.int64)
    slots = np.full(capacity, _FREE, np.int64)
    phrases = 0
    for entry in range(len(first_word) - 1):
        if first_word[entry] == first_word[entry + 1]:
            continue
        node = number[first_word[entry]]
        for i in range(first_word[entry] + 1, first_word[entry + 1]):
            word = number[i]
            key = (np.uint64(node) << UPPER_HALF) | np.uint64(word)
            slot = np.int64(hash_phrase(key) & np.uint64(capacity - 1))
            while slots[slot] != _FREE and not (parent[slots[slot]] == node and last[slots[slot]] == word):
                slot = (slot + 1) & (capacity - 1)
            if slots[slot] == _FREE:
                slots[slot] = phrases
                parent[phrases] = node
                last[phrases] = word
                phrases += 1
            node = words + slots[slot]
        end[entry] = node
    return parent[:phrases].copy(), last[:phrases].copy(), end


@kernel
def key_phrases(
    word_slots: NDArray[np.int64], word_capacity: int, parent: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Compute the key and the hash of each phrase, and its final node.

    A phrase that a longer entry continues gets a node above all slots of the word table. All other phrases get node 0.

    Args:
        word_slots: Slot of each distinct word, shape (words,).
        word_capacity: Number of slots of the word table.
        parent: Parent node of each phrase, as `number_phrases` returns it.
        last: Last word of each phrase, as `number_phrases` returns it.

    Returns:
        Key, hash and node of each phrase, each of shape (phrases,).
    """
    words = len(word_slots)
    node = np.zeros(len(parent), np.int64)
    key = np.empty(len(parent), np.uint64)
    hashed = np.empty(len(parent), np.uint64)
    next_node = word_capacity
    for phrase in range(len(parent)):
        if parent[phrase] < words:
            above = word_slots[parent[phrase]]
        else:
            prefix = parent[phrase] - words  # Parents come first: the key of the prefix is already computed.
            if node[prefix] == 0:
                node[prefix] = next_node
                next_node += 1
            above = node[prefix]
        key[phrase] = (np.uint64(above) << UPPER_HALF) | np.uint64(word_slots[last[phrase]])
        hashed[phrase] = hash_phrase(key[phrase])
    return key, hashed, node


@kernel
def fill_payloads(
    word_table: NDArray[np.uint64],
    word_slots: NDArray[np.int64],
    parent: NDArray[np.int64],
    last: NDArray[np.int64],
    end: NDArray[np.int64],
    key: NDArray[np.uint64],
    node: NDArray[np.int64],
    phrase_slots: NDArray[np.int64],
    phrase_capacity: int,
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Complete both tables: write which entry ends at each word and phrase, and whether longer entries continue it.

    Args:
        word_table: Word table from `place_words`, not changed.
        word_slots: Slot of each distinct word, shape (words,).
        parent: Parent node of each phrase, as `number_phrases` returns it.
        last: Last word of each phrase, as `number_phrases` returns it.
        end: Node at which each entry ends, as `number_phrases` returns it.
        key: Key of each phrase, as `key_phrases` returns it.
        node: Node of each phrase, as `key_phrases` returns it.
        phrase_slots: Slot of each phrase, shape (phrases,).
        phrase_capacity: Number of slots of the phrase table.

    Returns:
        The complete word table; and the phrase table, shape (phrase_capacity * PHRASE_SLOT,).
    """
    words = len(word_slots)
    word_table = word_table.copy()
    table = np.zeros(phrase_capacity * PHRASE_SLOT, np.uint64)
    for slot in range(phrase_capacity):
        table[slot * PHRASE_SLOT + KEY] = FREE_PHRASE
    for phrase in range(len(parent)):
        table[phrase_slots[phrase] * PHRASE_SLOT + KEY] = key[phrase]
        table[phrase_slots[phrase] * PHRASE_SLOT + PHRASE_PAYLOAD] = np.uint64(node[phrase])
        if parent[phrase] < words:
            child = np.uint64(word_slots[last[phrase]])
            word_table[word_slots[parent[phrase]] * WORD_SLOT + PAYLOAD] |= ONE << (child & FILTER_BITS)
    for entry in range(len(end)):
        if end[entry] >= 0:
            value = np.uint64(entry + 1) << UPPER_HALF
            if end[entry] < words:
                word_table[word_slots[end[entry]] * WORD_SLOT + PAYLOAD] |= value
            else:
                table[phrase_slots[end[entry] - words] * PHRASE_SLOT + PHRASE_PAYLOAD] |= value
    return word_table, table
