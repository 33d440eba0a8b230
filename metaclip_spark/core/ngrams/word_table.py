"""Hash table of distinct words with their counts, for kernels.

A word is found by its first 16 bytes, as in the matcher (`core/word_hashing.py`), so that only long words need a loop
over bytes. The comparison is exact: equal hashes are followed by a comparison of the bytes.
"""

# numba infers types at the call. mypy rejects np.uint64 for a declared int, and intrinsics are untyped.
# mypy: disable-error-code="arg-type, no-any-return, assignment, return-value, call-arg"

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.intrinsics import get_u64, load_8_bytes, put_u64, store_8_bytes
from metaclip_spark.core.word_hashing import (
    INLINE_BYTES,
    LOW_HALF,
    PAD,
    UPPER_HALF,
    hash_word,
    same_bytes,
    word_high,
    word_low,
)
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_kernel, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSITION, LAST_START, LAST_SIZE, WORDS, TEXT_BYTES, PAIRS, TOKENS, LEFT_OUT = range(8)
"""Fields of `WordTable.state`: position in the text at which counting continues; start and size of the last word, with
size 0 if the next word has no neighbour before it; number of distinct words; bytes of their text; number of pairs;
number of tokens that are words; number of tokens that are not."""
STATE_FIELDS: Final = 8

LOW, HIGH, HASH, COUNT = range(4)
"""Fields of a word's record: bytes 0 to 7 and 8 to 15, padded with zeros; its hash; its count."""
RECORD: Final = 4
_RECORD_BYTES: Final = 8 * RECORD

_ZERO = np.uint64(0)


class WordTable(NamedTuple):
    """Distinct words with their counts, and pairs of neighbours.

    Attributes:
        text: Text of the words, one after the other, and `PAD` more bytes, because words are read and written eight
            bytes at a time; uint8.
        ends: End of each word in `text`, int32, shape (words + 1,); the first is 0.
        records: Record of each word, uint64, shape (words * RECORD,).
        slots: Upper half of the hash << 32 | number of the word + 1, or 0 for a free slot; uint64. The table is
            open-addressed, and its size is a power of two and twice the number of words.
        pairs: Number of the first word << 32 | number of the second, once per occurrence; uint64.
        state: Progress and totals, int64, shape (STATE_FIELDS,).
    """

    text: NDArray[np.uint8]
    ends: NDArray[np.int32]
    records: NDArray[np.uint64]
    slots: NDArray[np.uint64]
    pairs: NDArray[np.uint64]
    state: NDArray[np.int64]


class WordView(NamedTuple):
    """`WordTable` as plain numbers for the loop over tokens: addresses instead of arrays.

    Attributes:
        text: Address of the words' text.
        records: Address of the records.
        slots: Address of the slots.
        mask: Number of slots - 1.
        max_words: Number of words that the table has room for.
        max_text_bytes: Number of bytes of text that the table has room for.
    """

    text: int
    records: int
    slots: int
    mask: int
    max_words: int
    max_text_bytes: int


@inlined_lean_step
def view_of(table: WordTable) -> WordView:
    """Return the addresses and sizes of a table, which the caller keeps alive."""
    return WordView(
        np.int64(table.text.ctypes.data),
        np.int64(table.records.ctypes.data),
        np.int64(table.slots.ctypes.data),
        np.int64(len(table.slots) - 1),
        np.int64(len(table.records) // RECORD),
        np.int64(len(table.text) - PAD),
    )


@lean_kernel
def fill_slots(table: WordTable) -> None:
    """Fill the slots of a table from its records, after it has grown."""
    mask = len(table.slots) - 1
    for number in range(table.state[WORDS]):
        hashed = table.records[number * RECORD + HASH]
        place = np.int64(hashed & LOW_HALF) & mask
        while table.slots[place] != _ZERO:
            place = (place + 1) & mask
        table.slots[place] = (hashed >> UPPER_HALF) << UPPER_HALF | np.uint64(number + 1)


@inlined_lean_step
def number_of_word(address: int, size: int, view: WordView, table: WordTable) -> int:
    """Return the number of a word. A new word is added; the caller ensures that there is room for it."""
    low, high = word_low(address, size), word_high(address, size)
    hashed = hash_word(address, low, high, size, _ZERO)
    place = np.int64(hashed & LOW_HALF) & view.mask
    slot = get_u64(view.slots, place)
    while slot != _ZERO:
        if slot >> UPPER_HALF == hashed >> UPPER_HALF:
            number = np.int64(slot & LOW_HALF) - 1
            record = view.records + _RECORD_BYTES * number
            # A word contains no zero byte. The padding of both numbers therefore shows where a word of up to 15 bytes
            # ends.
            if (
                get_u64(record, LOW) == low
                and get_u64(record, HIGH) == high
                and (size < INLINE_BYTES or _has_same_text(address, size, number, view, table))
            ):
                return number
        place = (place + 1) & view.mask
        slot = get_u64(view.slots, place)
    number = table.state[WORDS]
    put_u64(view.slots, place, (hashed >> UPPER_HALF) << UPPER_HALF | np.uint64(number + 1))
    _add_text(address, size, view, table)
    record = view.records + _RECORD_BYTES * number
    put_u64(record, LOW, low)
    put_u64(record, HIGH, high)
    put_u64(record, HASH, hashed)
    put_u64(record, COUNT, _ZERO)
    return number


@inlined_lean_step
def count_word(number: int, view: WordView) -> None:
    """Add one to the count of a word."""
    record = view.records + _RECORD_BYTES * number
    put_u64(record, COUNT, get_u64(record, COUNT) + np.uint64(1))


@lean_step
def _has_same_text(address: int, size: int, number: int, view: WordView, table: WordTable) -> bool:
    start = np.int64(table.ends[number])
    return table.ends[number + 1] - start == size and same_bytes(address, view.text + start, size)


@lean_step
def _add_text(address: int, size: int, view: WordView, table: WordTable) -> None:
    """Append the text of a new word. Bytes copied past its end are padding, or the next word overwrites them."""
    number, start = table.state[WORDS], table.state[TEXT_BYTES]
    copy_short(address, size, view.text + start)
    table.state[TEXT_BYTES] = start + size
    table.ends[number + 1] = start + size
    table.state[WORDS] = number + 1


@inlined_lean_step
def copy_short(source: int, size: int, target: int) -> None:
    """Copy bytes eight at a time; up to seven more are read and written."""
    for done in range(0, size, 8):
        store_8_bytes(target + done, load_8_bytes(source + done))
