"""Compile an entry list: number its words and phrases, find a slot for each, fill in what ends and what goes on there.

`DESIGN.md` beside this file explains the two tables.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.entry_list import (
    EntryFate,
    EntryReport,
    classify_entries,
    digest_of_encoded,
    encode_entries,
)
from metaclip_spark.core.matching.compiled_metadata import MAX_ENTRIES, MAX_NODES, MAX_TEXT, CompiledMetadata
from metaclip_spark.core.matching.tokens import build
from metaclip_spark.core.matching.tokens.perfect_hash import find_pilots
from metaclip_spark.core.word_hashing import PAD, Tables
from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MAX_SEED: Final = 2**64
_ATTEMPTS: Final = 16


def compile_metadata(entries: Sequence[str], *, language: str = "en", seed: int = 0) -> CompiledMetadata:
    """Compile an entry list; half a million entries take about a second.

    Entries that can never match keep their ids and are counted in the result's `report`.

    Args:
        entries: the list in order; an entry's id is its position.
        language: recorded, not interpreted.
        seed: of the word hash, 0 <= seed < 2**64; where two words have the same hash under it, the next one is taken.

    Returns:
        Read-only tables; equal arguments give equal bytes.

    Raises:
        InputError: an entry is no valid Unicode, or there are more than 2**30 of them or 4 GiB of text.

    >>> compiled = compile_metadata(["york", "new york", "St. Louis"])
    >>> compiled.n_entries, compiled.entry(1), compiled.report.as_dict()["examples"]["unmatchable"]
    (3, 'new york', [2])
    """
    if not 0 <= seed < _MAX_SEED:
        raise InputError(f"seed {seed} of compile_metadata: give an integer from 0 to 2**64 - 1")
    encoded = encode_entries(entries)
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(entry) for entry in encoded], out=offsets[1:])
    if offsets[-1] >= MAX_TEXT or len(encoded) > MAX_ENTRIES:
        raise InputError(
            f"metadata of {len(encoded):,} entries and {offsets[-1]:,} bytes: the limits are {MAX_ENTRIES:,} entries "
            f"and {MAX_TEXT - 1:,} bytes: split the list by language"
        )
    fates = classify_entries(entries)
    text = np.frombuffer(b"".join(encoded) + bytes(PAD), np.uint8)
    return CompiledMetadata(
        language=language,
        metadata_digest=digest_of_encoded(encoded),
        report=EntryReport.from_fates(fates),
        tables=_build_with_some_seed(read_only(text), read_only(offsets), fates, seed),
        entry_offsets=read_only(offsets),
        fates=read_only(fates),
    )


class _NotPlacedError(Exception):
    """Two keys have the same hash under this seed."""


def _build_with_some_seed(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], fates: NDArray[np.uint8], seed: int
) -> Tables:
    for attempt in range(_ATTEMPTS):
        with contextlib.suppress(_NotPlacedError):
            return _build_tables(text, offsets, fates, np.uint64((seed + attempt) % _MAX_SEED))
    raise InputError(
        f"metadata of {len(offsets) - 1:,} entries could not be placed under {_ATTEMPTS} seeds from {seed} on: "
        "pass another seed"
    )


def _build_tables(
    text: NDArray[np.uint8], offsets: NDArray[np.int64], fates: NDArray[np.uint8], seed: np.uint64
) -> Tables:
    matchable = read_only(fates == EntryFate.MATCHABLE)
    start, length, first_word = map(read_only, build.split_entries(text, offsets, matchable))
    number, first = map(read_only, build.number_words(text, start, length, _scratch_slots(len(start)), seed))
    start, length = read_only(start[first]), read_only(length[first])
    hashed = read_only(build.hash_words(text, start, length, seed))
    word_pilots, word_slots, word_capacity = _perfect_hash(hashed)
    word_table = read_only(build.place_words(text, start, length, word_slots, word_capacity))

    parent, last, end = map(
        read_only, build.number_phrases(number, first_word, len(first), _scratch_slots(len(number)))
    )
    key, phrase_hashes, node = build.key_phrases(word_slots, word_capacity, parent, last)
    if word_capacity + len(parent) >= MAX_NODES:
        raise InputError(
            f"metadata has {len(first):,} words and {len(parent):,} phrases: the limit is {MAX_NODES:,} together: "
            "split the list"
        )
    phrase_pilots, phrase_slots, phrase_capacity = _perfect_hash(read_only(phrase_hashes))
    words, phrases = build.fill_payloads(
        word_table, word_slots, parent, last, end, read_only(key), read_only(node), phrase_slots, phrase_capacity
    )
    return Tables(
        words=read_only(words),
        word_pilots=word_pilots,
        phrases=read_only(phrases),
        phrase_pilots=phrase_pilots,
        text=text,
        seed=seed,
        longest_word=int(length.max(initial=0)),
        most_words=int(np.diff(first_word).max(initial=1)),
    )


def _perfect_hash(hashed: NDArray[np.uint64]) -> tuple[NDArray[np.uint16], NDArray[np.int64], int]:
    """Pilots, the slot of each key, and the number of slots.

    A fifth of the slots stays free, so that a free one is found within a few tries; four keys share a pilot, so that
    the pilots (170 kB for the English list) stay in the second-level cache.
    """
    capacity = len(hashed) + len(hashed) // 4 + 1
    buckets = len(hashed) // 4 + 1
    pilots, slots, complete = find_pilots(hashed, capacity, buckets)
    if not complete:
        raise _NotPlacedError
    return read_only(pilots), read_only(slots), capacity


def _scratch_slots(keys: int) -> int:
    """Slots of an open hash table: a power of two at least 1.5 times the keys, so that searches are short and end."""
    slots = 64
    while slots * 2 < keys * 3:
        slots *= 2
    return slots
