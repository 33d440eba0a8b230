"""Build the tables of the token engine from the text of the entries. The same entries and seed give the same bytes.

Words and phrases are first numbered in a scratch table, in the order of the entries. Then each gets a slot of its own
in a table whose size follows from their number.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.matching.tokens import build_phrases, build_words
from metaclip_spark.core.matching.tokens.perfect_hash import find_pilots
from metaclip_spark.core.matching.tokens.tables import MAX_NODES, Tables
from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SEED: Final = 2**64 - 1
_ATTEMPTS: Final = 16


class _NotPlacedError(Exception):
    """Two keys have the same hash under this seed."""


def build_tables(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], matchable: NDArray[np.bool_], seed: int
) -> Tables:
    """Build the tables under the first seed, from `seed` on, that gives all words different hashes.

    Args:
        text: UTF-8 of all entries, one after the other, and `PAD` zeros.
        offsets: Start of each entry and the end of the last, shape (entries + 1,).
        matchable: Whether an entry can match, shape (entries,).
        seed: Seed of the word hash, 0 <= seed <= MAX_SEED.

    Raises:
        InputError: The entries have too many words and phrases, or no seed was found.
    """
    for attempt in range(_ATTEMPTS):
        with contextlib.suppress(_NotPlacedError):
            return _build_under_seed(text, offsets, matchable, np.uint64((seed + attempt) % (MAX_SEED + 1)))
    raise InputError(
        f"Two words of the metadata ({len(offsets) - 1:,} entries) have the same hash under each of {_ATTEMPTS} seeds, "
        f"from {seed} on. Pass another seed."
    )


def _build_under_seed(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], matchable: NDArray[np.bool_], seed: np.uint64
) -> Tables:
    start, length, first_word = map(read_only, build_words.split_entries(text, offsets, read_only(matchable)))
    number, first = map(read_only, build_words.number_words(text, start, length, _scratch_slots(len(start)), seed))
    start, length = read_only(start[first]), read_only(length[first])
    hashed = read_only(build_words.hash_distinct_words(text, start, length, seed))
    word_pilots, word_slots, word_capacity = _perfect_hash(hashed)
    word_table = read_only(build_words.place_words(text, start, length, word_slots, word_capacity))

    parent, last, end = map(
        read_only, build_phrases.number_phrases(number, first_word, len(first), _scratch_slots(len(number)))
    )
    key, phrase_hashes, node = build_phrases.key_phrases(word_slots, word_capacity, parent, last)
    if word_capacity + len(parent) > MAX_NODES:
        raise InputError(
            f"The metadata has {len(first):,} words and {len(parent):,} phrases, more than the limit of "
            f"{MAX_NODES:,} together. Split the metadata by language."
        )
    phrase_pilots, phrase_slots, phrase_capacity = _perfect_hash(read_only(phrase_hashes))
    words, phrases = build_phrases.fill_payloads(
        word_table, word_slots, parent, last, end, read_only(key), read_only(node), phrase_slots, phrase_capacity
    )
    return Tables(
        words=read_only(words),
        word_pilots=word_pilots,
        phrases=read_only(phrases),
        phrase_pilots=phrase_pilots,
        text=text,
        seed=seed,
        max_word_bytes=int(length.max(initial=0)),
        max_entry_words=int(np.diff(first_word).max(initial=1)),
    )


def _perfect_hash(hashed: NDArray[np.uint64]) -> tuple[NDArray[np.uint16], NDArray[np.int64], int]:
    """Return the pilots, the slot of each key, and the number of slots.

    A fifth of the slots stays free, so that a free slot is found within a few attempts. Four keys share a pilot, so
    that the pilots (170 kB for the English metadata) stay in the second-level cache.
    """
    capacity = len(hashed) + len(hashed) // 4 + 1
    buckets = len(hashed) // 4 + 1
    pilots, slots, complete = find_pilots(hashed, capacity, buckets)
    if not complete:
        raise _NotPlacedError
    return read_only(pilots), read_only(slots), capacity


def _scratch_slots(keys: int) -> int:
    """Return the size of a scratch table: a power of two of at least 1.5 times the keys, so that searches are short."""
    slots = 64
    while slots * 2 < keys * 3:
        slots *= 2
    return slots
