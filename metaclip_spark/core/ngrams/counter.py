"""Counting words and pairs of neighbours with bounded memory: what is full is handed out, and counting goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from metaclip_spark.core.ngrams.kernels import (
    ARENA,
    AT,
    COUNT,
    DONE,
    FIELDS,
    LAST_SIZE,
    LAST_START,
    LEFT_OUT,
    PAIRS,
    PAIRS_FULL,
    RECORD,
    TOKENS,
    WORDS,
    WordTable,
    count_words,
    fold_pairs,
    place_words,
    write_pairs,
)
from metaclip_spark.core.word_hashing import PAD
from metaclip_spark.core.words import character_classes
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MOST_WORDS: Final = 1 << 18
MOST_PAIRS: Final = 1 << 20
"""Distinct words, and pairs with all their repetitions, that are held at most: some 50 MB with what handing them out
takes. They are full after some megabytes of text, so that a worker's memory is that of a small dump; four times as many
would take 60 MB more and save a tenth to a quarter of the shuffle."""

_FIRST_WORDS: Final = 1 << 14
_PADDING: Final = bytes(PAD)
_MEAN_BYTES: Final = 16  # of a word; one longer than all the room is given room of its own
_AT_ONCE: Final = 1 << 17
"""Pairs in one part: some 2 MB of text, and never 2 GiB, however long the words are."""


class NgramCounts(NamedTuple):
    """Counts of a part of the text; those of all parts add up to the whole's.

    Attributes:
        words: string.
        word_counts: int64.
        pairs: string, two words with a space between, each at most once.
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
        most_pairs: pairs to hold, repetitions included.
        keep_odd: words may begin and end with quotes, brackets and markup.

    >>> counter = NgramCounter()
    >>> list(counter.add(b"new york, new york"))
    []
    >>> (counts,) = counter.drain()
    >>> dict(zip(counts.pairs.to_pylist(), counts.pair_counts.to_pylist()))
    {'new york': 2}
    """

    def __init__(self, *, most_words: int = MOST_WORDS, most_pairs: int = MOST_PAIRS, keep_odd: bool = False) -> None:
        self._classes = character_classes(keep_odd=keep_odd).table
        self._most_words = 1 << (most_words - 1).bit_length()
        # Memory that has not been written to is none: a short text takes what it needs
        self._pairs = np.empty(most_pairs, np.uint64)
        self._table = _table(min(_FIRST_WORDS, self._most_words), self._pairs)
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
            if full == PAIRS_FULL or not self._grow():
                # A single word may need more room than there is: a page can be one word of megabytes, but words end
                # at 256 characters, and the room of an empty table is larger.
                yield from self.drain()

    def drain(self) -> Iterator[NgramCounts]:
        """Hand out what was counted since the last time, and begin anew; all parts have to be taken."""
        table, at = self._table, self._table.at
        counts = table.records[COUNT : RECORD * at[WORDS] : RECORD].astype(np.int64)
        seen = counts > 0  # the last word before the table was emptied is in it again, perhaps only in pairs
        words, word_counts = _strings(table, int(at[WORDS])).filter(pa.array(seen)), pa.array(counts[seen])
        pairs = table.pairs[: at[PAIRS]]
        pairs.sort()
        pair_counts = np.empty(len(pairs), np.int64)
        distinct = fold_pairs(pairs, pair_counts)
        for start in range(0, max(distinct, 1), _AT_ONCE):
            end = min(start + _AT_ONCE, distinct)
            texts = _pair_strings(table, pairs[start:end])
            yield NgramCounts(words, word_counts, texts, pa.array(pair_counts[start:end]))
            words, word_counts = words[:0], word_counts[:0]
        self.tokens += int(at[TOKENS])
        self.left_out += int(at[LEFT_OUT])
        at[[WORDS, ARENA, PAIRS, TOKENS, LEFT_OUT]] = 0
        table.slots[:] = 0

    def _grow(self) -> bool:
        """Make the table of words twice as large; False if it has its largest size."""
        old, used = self._table, int(self._table.at[WORDS])
        words = 2 * (len(old.records) // RECORD)
        if words > self._most_words:
            return False
        self._table = new = _table(words, self._pairs)
        lengths = {"arena": int(old.at[ARENA]), "ends": used + 1, "records": RECORD * used, "at": FIELDS}
        for name, length in lengths.items():
            getattr(new, name)[:length] = getattr(old, name)[:length]
        place_words(new)
        return True


def _table(words: int, pairs: NDArray[np.uint64]) -> WordTable:
    """An empty table for as many words."""
    return WordTable(
        arena=np.empty(max(_MEAN_BYTES * words, 1 << 16) + PAD, np.uint8),
        ends=np.zeros(words + 1, np.int32),
        records=np.zeros(RECORD * words, np.uint64),
        slots=np.zeros(2 * words, np.uint64),
        pairs=pairs,
        at=np.zeros(FIELDS, np.int64),
    )


def _strings(table: WordTable, words: int) -> pa.Array:
    """The words as an Arrow array, copied: the table goes on being used."""
    ends = pa.py_buffer(table.ends[: words + 1].tobytes())
    text = pa.py_buffer(table.arena[: table.at[ARENA]].tobytes())
    return pa.StringArray.from_buffers(words, ends, text)


def _pair_strings(table: WordTable, pairs: NDArray[np.uint64]) -> pa.Array:
    """Different pairs as an Arrow array."""
    ends = np.zeros(len(pairs) + 1, np.int32)
    text = write_pairs(pairs, table, ends)
    return pa.StringArray.from_buffers(len(pairs), pa.py_buffer(ends), pa.py_buffer(text))
