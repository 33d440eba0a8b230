"""Counting words and pairs of neighbours with bounded memory: what is full is handed out, and counting goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from metaclip_spark.core.metadata.word_kernels import (
    ARENA,
    AT,
    DONE,
    FIELDS,
    LAST_SIZE,
    LAST_START,
    LEFT_OUT,
    PAIRS,
    PAIRS_FULL,
    TOKENS,
    WORDS,
    WordTable,
    count_words,
    move_pairs,
    place_words,
    write_pairs,
)
from metaclip_spark.core.metadata.words import character_classes
from metaclip_spark.jit import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MOST_WORDS: Final = 1 << 20
MOST_PAIRS: Final = 1 << 21
"""Distinct words and pairs that are held at most: some 120 MB with the tables around them. Pages of one wiki share most
of what they share within a million tokens; more memory would save little of the shuffle."""

_FIRST_WORDS: Final = 1 << 14
_FIRST_PAIRS: Final = 1 << 17
_PADDING: Final = bytes(8)
_MEAN_BYTES: Final = 16  # of a word; one longer than all the room is given room of its own


class NgramCounts(NamedTuple):
    """Counts of a part of the text; those of all parts add up to the whole's.

    Attributes:
        words: string.
        word_counts: int64.
        pairs: string, two words with a space between.
        pair_counts: int64.
    """

    words: pa.Array
    word_counts: pa.Array
    pairs: pa.Array
    pair_counts: pa.Array


class NgramCounter:
    """Counts words and pairs of neighbours.

    Args:
        most_words: distinct words to hold; rounded up to a power of two.
        most_pairs: distinct pairs to hold.
        keep_odd: words may begin and end with quotes, brackets and markup.

    >>> counter = NgramCounter()
    >>> list(counter.add(b"new york, new york"))
    []
    >>> counts = counter.drain()
    >>> dict(zip(counts.pairs.to_pylist(), counts.pair_counts.to_pylist()))
    {'new york': 2}
    """

    def __init__(self, *, most_words: int = MOST_WORDS, most_pairs: int = MOST_PAIRS, keep_odd: bool = False) -> None:
        self._classes = character_classes(keep_odd=keep_odd).table
        self._most_words = most_words
        self._most_pairs = most_pairs
        self._table = _table(min(_FIRST_WORDS, most_words), min(_FIRST_PAIRS, most_pairs))
        self.tokens = 0
        self.left_out = 0

    def add(self, text: bytes) -> Iterator[NgramCounts]:
        """Count a text; words of two texts are no neighbours.

        Args:
            text: valid UTF-8.

        Yields:
            What had been counted, each time that the memory is full.
        """
        padded = read_only(np.frombuffer(text + _PADDING, np.uint8))
        self._table.at[[AT, LAST_START, LAST_SIZE]] = 0
        while (full := count_words(padded, len(text), self._classes, self._table)) != DONE:
            if not self._grow(full):
                # A single word may need more room than there is: a page can be one word of megabytes, but words end
                # at 256 characters, and the room of an empty table is larger.
                yield self.drain()

    def drain(self) -> NgramCounts:
        """Hand out what was counted since the last time, and begin anew."""
        table, at = self._table, self._table.at
        words = _strings(table, int(at[WORDS]))
        used = np.flatnonzero(table.pairs)
        counts = table.counts[: at[WORDS]].copy()
        seen = pa.array(counts > 0)  # the last word before the table was emptied is in it again, perhaps only in pairs
        result = NgramCounts(
            words.filter(seen),
            pa.array(counts[counts > 0]),
            _pair_strings(table, used),
            pa.array(table.pair_counts[used]),
        )
        self.tokens += int(at[TOKENS])
        self.left_out += int(at[LEFT_OUT])
        at[[WORDS, ARENA, PAIRS, TOKENS, LEFT_OUT]] = 0
        table.slots[:] = 0
        table.pairs[:] = 0
        return result

    def _grow(self, full: int) -> bool:
        """Make the full table twice as large; False if it has its largest size."""
        words, pairs = len(self._table.counts), len(self._table.pairs)
        if full == PAIRS_FULL:
            pairs *= 2
        else:
            words *= 2
        if words > self._most_words or pairs > 2 * self._most_pairs:
            return False
        old = self._table
        self._table = new = _table(words, pairs // 2)
        used = int(old.at[WORDS])
        for name, length in (("arena", int(old.at[ARENA])), ("ends", used + 1), ("counts", used), ("hashes", used)):
            getattr(new, name)[:length] = getattr(old, name)[:length]
        new.at[:] = old.at
        new.at[PAIRS] = 0
        place_words(new)
        move_pairs(old, new)
        return True


def _table(words: int, pairs: int) -> WordTable:
    """Empty tables for as many words and pairs: the words' slots and the pairs' are twice as many."""
    return WordTable(
        arena=np.empty(max(_MEAN_BYTES * words, 1 << 16), np.uint8),
        ends=np.zeros(words + 1, np.int32),
        counts=np.zeros(words, np.int64),
        hashes=np.zeros(words, np.uint64),
        slots=np.zeros(2 * words, np.int32),
        pairs=np.zeros(2 * pairs, np.uint64),
        pair_counts=np.zeros(2 * pairs, np.int64),
        at=np.zeros(FIELDS, np.int64),
    )


def _strings(table: WordTable, words: int) -> pa.Array:
    """The words as an Arrow array, copied: the table goes on being used."""
    ends = pa.py_buffer(table.ends[: words + 1].tobytes())
    text = pa.py_buffer(table.arena[: table.at[ARENA]].tobytes())
    return pa.StringArray.from_buffers(words, ends, text)


def _pair_strings(table: WordTable, used: NDArray[np.int64]) -> pa.Array:
    """The pairs at some places as an Arrow array."""
    lengths = np.diff(table.ends).astype(np.int64)
    keys = table.pairs[used]
    first, second = (keys >> np.uint64(32)).astype(np.int64) - 1, (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    size = int(lengths[first].sum() + lengths[second].sum()) + len(used)
    text, ends = np.empty(size + 1, np.uint8), np.zeros(len(used) + 1, np.int32)
    write_pairs(table, used, text, ends)
    return pa.StringArray.from_buffers(len(used), pa.py_buffer(ends), pa.py_buffer(text[:size]))
