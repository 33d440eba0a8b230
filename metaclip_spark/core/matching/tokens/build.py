"""Kernels that turn an entry list into the word table and the phrase table.

Words and phrases are first numbered in a scratch table, then placed in tables of a size that fits their number. All run
in the order of the list, so that equal lists give equal bytes.
"""

# numba types these functions by what they are called with; for mypy an np.int64 is no int, and intrinsics have no type.
# mypy: disable-error-code="arg-type, assignment, return-value, no-any-return, call-arg, var-annotated"
# ruff: noqa: PLR0917 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.word_hashing import (
    CHILD_BITS,
    FREE_PHRASE,
    HIGH,
    INLINE_BYTES,
    KEY,
    LOW,
    ONE,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    SHAPE,
    UPPER_HALF,
    WORD_SLOT,
    fold_rest,
    hash_phrase,
    hash_word,
    same_bytes,
    word_high,
    word_low,
)
from metaclip_spark.host.kernel_cache import kernel, step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPACE: Final = np.uint8(32)
_FREE: Final = -1


@kernel
def split_entries(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], matchable: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut each matchable entry at single spaces; n spaces give n + 1 words, empty ones included.

    Args:
        text: all entries' UTF-8, one after the other.
        offsets: shape (entries + 1,), where each begins.
        matchable: shape (entries,); the others get no words.

    Returns:
        start and length of each word in `text`, shape (words,); first word of each entry, shape (entries + 1,).
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
    high = word_high(address, length)
    if length > INLINE_BYTES:
        high ^= fold_rest(address, length)
    return hash_word(word_low(address, length), high, length, seed)


@kernel
def number_words(
    text: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64], capacity: int, seed: np.uint64
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give equal words one number, in order of first appearance.

    Args:
        text: bytes that the words are in, followed by at least 64 more.
        start: shape (words,), where each begins in `text`.
        length: shape (words,), bytes.
        capacity: a power of two above the number of words, so that a free slot ends each search.
        seed: of the hash.

    Returns:
        number of each word, shape (words,); position of its first appearance by number, shape (distinct,).
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
def hash_words(
    text: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64], seed: np.uint64
) -> NDArray[np.uint64]:
    """Hash of each word; arguments as for `number_words`."""
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
    """Write distinct words into their slots, payloads still empty.

    Returns:
        the table, shape (capacity * WORD_SLOT,).
    """
    base = np.int64(text.ctypes.data)
    table = np.zeros(capacity * WORD_SLOT, np.uint64)
    for i in range(len(start)):
        address = base + start[i]
        at = slots[i] * WORD_SLOT
        table[at + LOW] = word_low(address, length[i])
        table[at + HIGH] = word_high(address, length[i])
        table[at + SHAPE] = (np.uint64(start[i]) << np.uint64(32)) | np.uint64(length[i] + 1)
    return table


@kernel
def number_phrases(
    number: NDArray[np.int64], first_word: NDArray[np.int64], words: int, capacity: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Build the trie of the entries' words: a node for each word and for each prefix of two words or more.

    Args:
        number: words of the entries, as numbered.
        first_word: shape (entries + 1,), first word of each entry.
        words: number of distinct words; these are the nodes 0 to words - 1.
        capacity: a power of two above the number of prefixes.

    Returns:
        parent node and last word of each further node, shape (phrases,), parents first; the node at which each entry
        ends, -1 for one without words, shape (entries,).
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
            key = (np.uint64(node) << np.uint64(32)) | np.uint64(word)
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
    """Key and hash of each phrase, and the node under which its own continuations are found (0 if there are none).

    Nodes of phrases that go on follow the word table's slots in number.

    Args:
        word_slots: shape (words,).
        word_capacity: slots of the word table.
        parent: as returned by `number_phrases`.
        last: as returned by `number_phrases`.

    Returns:
        three arrays of shape (phrases,).
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
            prefix = parent[phrase] - words  # parents come first, so its own key does not depend on what follows
            if node[prefix] == 0:
                node[prefix] = next_node
                next_node += 1
            above = node[prefix]
        key[phrase] = (np.uint64(above) << np.uint64(32)) | np.uint64(word_slots[last[phrase]])
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
    """Finish both tables: what ends at each word and phrase, and what goes on.

    Args:
        word_table: from `place_words`; left as it is.
        word_slots: shape (words,).
        parent: as returned by `number_phrases`.
        last: as returned by `number_phrases`.
        end: as returned by `number_phrases`.
        key: as returned by `key_phrases`.
        node: as returned by `key_phrases`.
        phrase_slots: shape (phrases,).
        phrase_capacity: slots of the phrase table.

    Returns:
        the word table; the phrase table, shape (phrase_capacity * PHRASE_SLOT,).
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
            word_table[word_slots[parent[phrase]] * WORD_SLOT + PAYLOAD] |= ONE << (child & CHILD_BITS)
    for entry in range(len(end)):
        if end[entry] >= 0:
            value = np.uint64(entry + 1) << UPPER_HALF
            if end[entry] < words:
                word_table[word_slots[end[entry]] * WORD_SLOT + PAYLOAD] |= value
            else:
                table[phrase_slots[end[entry] - words] * PHRASE_SLOT + PHRASE_PAYLOAD] |= value
    return word_table, table
