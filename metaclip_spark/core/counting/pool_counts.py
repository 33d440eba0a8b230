"""Result of the first pass over a pool: the count of each entry, and the number of rows by outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from metaclip_spark.core.counting.count_blocks import (
    BLOCK_ENTRIES,
    EntryCounter,
    counts_from_blocks,
    decode_block,
    encode_block,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

# Key of a block: index of the language << 16 | number of the block within it; -1 is the block of row counters.
_ROW_COUNTERS: Final = -1
_LANGUAGE_SHIFT: Final = 16
_BLOCK_SHIFT: Final = BLOCK_ENTRIES.bit_length() - 1
_POOL_COUNTERS: Final = ("read", "null", "empty", "language_without_metadata", "malformed", "headers")


@dataclass(frozen=True)
class PoolCounts:
    """Counts of one pool.

    Attributes:
        entries: Counts by language, int64, shape (n_entries,): number of captions that match each entry.
        read: Number of rows of the pool.
        null: Number of rows without a caption.
        empty: Number of rows with an empty caption.
        language_without_metadata: Number of other rows whose language is null or has no metadata.
        unmatched: Number of other rows that match no entry, by language.
        matched: Number of rows that match any entry, by language.
        malformed: Number of records that could not be parsed as rows; included in `read` only.
        headers: Number of header lines; not included in `read`.
    """

    entries: Mapping[str, NDArray[np.int64]]
    read: int
    null: int
    empty: int
    language_without_metadata: int
    unmatched: Mapping[str, int]
    matched: Mapping[str, int]
    malformed: int = 0
    headers: int = 0

    @property
    def matches(self) -> int:
        """Number of matches; an entry counts once per caption."""
        return sum(int(counts.sum()) for counts in self.entries.values())

    def plus(self, other: PoolCounts) -> PoolCounts:
        """Return the counts of both pools together, for the same metadata."""
        of_pool = {name: getattr(self, name) + getattr(other, name) for name in _POOL_COUNTERS}
        return PoolCounts(
            entries={language: counts + other.entries[language] for language, counts in self.entries.items()},
            unmatched={language: rows + other.unmatched[language] for language, rows in self.unmatched.items()},
            matched={language: rows + other.matched[language] for language, rows in self.matched.items()},
            **of_pool,
        )

    def summary(self) -> str:
        """Return the counts as a phrase for a progress line."""
        malformed = f"{self.malformed:,} malformed, " if self.malformed else ""
        matched = sum(self.matched.values())
        return f"{self.read:,} rows read, {malformed}{matched:,} match, {self.matches:,} matches,"


class PoolCounter:
    """Counter of one partition, which returns its counts as small blocks that can be merged in any order.

    >>> counter = PoolCounter({"en": 3})
    >>> counter.add_rows(read=4, null=1, empty=0, language_without_metadata=0)
    >>> counter.add_matches("en", np.array([0, 2, 2], np.int32), np.array([0, 2, 3, 3]))
    >>> counts = pool_counts({"en": 3}, counter.blocks())
    >>> counts.entries["en"].tolist(), counts.matched, counts.unmatched, counts.null
    ([1, 0, 2], {'en': 2}, {'en': 1}, 1)
    """

    def __init__(self, n_entries: Mapping[str, int]) -> None:
        self._n_entries = n_entries
        self._entries: dict[str, EntryCounter] = {}  # only languages that occur: a task may read 1 of 300
        self._rows = np.zeros(len(_POOL_COUNTERS) + 2 * len(n_entries), np.int64)

    def add_rows(
        self,
        *,
        read: int,
        null: int,
        empty: int,
        language_without_metadata: int,
        malformed: int = 0,
        headers: int = 0,
    ) -> None:
        """Add rows that are not matched, by reason, and the number of rows read."""
        self._rows[: len(_POOL_COUNTERS)] += (read, null, empty, language_without_metadata, malformed, headers)

    def add_matches(self, language: str, ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> None:
        """Add captions of one language.

        Args:
            language: One of the languages of the metadata.
            ids: int32, shape (matches,), matched entries as `Matcher.match_ids` returns them.
            offsets: int64, shape (rows + 1,), as `Matcher.match_ids` returns them.
        """
        if language not in self._entries:
            self._entries[language] = EntryCounter(self._n_entries[language])
        self._entries[language].add(ids)
        matched = int(np.count_nonzero(offsets[1:] > offsets[:-1]))
        place = len(_POOL_COUNTERS) + 2 * list(self._n_entries).index(language)
        self._rows[place : place + 2] += (len(offsets) - 1 - matched, matched)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield key and bytes of each block; blocks with the same key are merged by `merge_blocks`."""
        yield _ROW_COUNTERS, encode_block(self._rows)
        for index, language in enumerate(self._n_entries):
            if language in self._entries:
                for number, block in self._entries[language].blocks():
                    yield index << _LANGUAGE_SHIFT | number, block


def block_keys(n_entries: Mapping[str, int]) -> int:
    """Return the maximum number of different keys of the blocks of these languages."""
    return 1 + sum(-(-entries // BLOCK_ENTRIES) for entries in n_entries.values())


def numbers_from_blocks(blocks: Iterable[tuple[int, bytes]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return blocks as rows that Spark can sum by place.

    Returns:
        int64, both of shape (numbers,): places (key << 16 | position in the block), and the counts there, each > 0.

    >>> counter = PoolCounter({"en": 3})
    >>> counter.add_matches("en", np.array([0, 2, 2], np.int32), np.array([0, 2, 3, 3]))
    >>> blocks = blocks_from_numbers({"en": 3}, *numbers_from_blocks(counter.blocks()))
    >>> pool_counts({"en": 3}, blocks).entries["en"].tolist()
    [1, 0, 2]
    """
    places, numbers = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for key, block in blocks:
        counts = decode_block(block)
        counted = np.flatnonzero(counts)
        places.append((key << _BLOCK_SHIFT) + counted)
        numbers.append(counts[counted])
    return np.concatenate(places), np.concatenate(numbers)


def blocks_from_numbers(
    n_entries: Mapping[str, int], places: NDArray[np.int64], numbers: NDArray[np.int64]
) -> Iterator[tuple[int, bytes]]:
    """Yield key and bytes of the blocks that are not all zero, from summed numbers.

    Args:
        n_entries: Number of entries by language, in the order that the counters had.
        places: Places as `numbers_from_blocks` returns them, each once, in any order.
        numbers: Sum of the counts at each place.
    """
    keys = places >> _BLOCK_SHIFT
    for key in np.unique(keys).tolist():
        own = keys == key
        language, number = key >> _LANGUAGE_SHIFT, key & ((1 << _LANGUAGE_SHIFT) - 1)
        length = (
            len(_POOL_COUNTERS) + 2 * len(n_entries)
            if key == _ROW_COUNTERS
            else min(BLOCK_ENTRIES, list(n_entries.values())[language] - number * BLOCK_ENTRIES)
        )
        counts = np.zeros(length, np.int64)
        counts[places[own] & (BLOCK_ENTRIES - 1)] = numbers[own]
        yield key, encode_block(counts)


def pool_counts(n_entries: Mapping[str, int], blocks: Iterable[tuple[int, bytes]]) -> PoolCounts:
    """Return the counts of a pool from blocks in any order; blocks with the same key are summed.

    Args:
        n_entries: Number of entries by language, in the order that the counters had.
        blocks: Keys and bytes from any number of `PoolCounter.blocks`.

    Raises:
        ConsistencyError: A block is damaged or belongs to other metadata.
    """
    rows = np.zeros(len(_POOL_COUNTERS) + 2 * len(n_entries), np.int64)
    by_language: list[list[tuple[int, bytes]]] = [[] for _ in n_entries]
    for key, block in blocks:
        if key == _ROW_COUNTERS:
            rows += decode_block(block)
        else:
            by_language[key >> _LANGUAGE_SHIFT].append((key & ((1 << _LANGUAGE_SHIFT) - 1), block))
    pool = dict(zip(_POOL_COUNTERS, rows[: len(_POOL_COUNTERS)].tolist(), strict=True))
    fates = rows[len(_POOL_COUNTERS) :].tolist()
    return PoolCounts(
        entries={
            language: counts_from_blocks(n_entries[language], own)
            for language, own in zip(n_entries, by_language, strict=True)
        },
        unmatched=dict(zip(n_entries, fates[0::2], strict=True)),
        matched=dict(zip(n_entries, fates[1::2], strict=True)),
        **pool,
    )
