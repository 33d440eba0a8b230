"""Counter of words and pairs of neighbours with bounded memory: when it is full, it yields its counts and continues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from metaclip_spark.core.ngrams.count_words import DONE, PAIRS_FULL, count_words
from metaclip_spark.core.ngrams.pairs import count_sorted_pairs, write_pairs
from metaclip_spark.core.ngrams.word_table import (
    COUNT,
    LAST_SIZE,
    LAST_START,
    LEFT_OUT,
    PAIRS,
    POSITION,
    RECORD,
    STATE_FIELDS,
    TEXT_BYTES,
    TOKENS,
    WORDS,
    WordTable,
    fill_slots,
)
from metaclip_spark.core.word_hashing import PAD
from metaclip_spark.core.words import character_classes
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MAX_WORDS: Final = 1 << 18
MAX_PAIRS: Final = 1 << 20
"""Default limits of distinct words, and of pairs including repetitions: about 50 MB with the memory for yielding them.
The limits are reached after some megabytes of text, so that a worker process needs the same memory for every dump.
Limits four times as high would take 60 MB more, and save 10 to 25 % of the shuffle."""

_FIRST_WORDS: Final = 1 << 14
_PADDING: Final = bytes(PAD)
_MEAN_BYTES: Final = 16  # mean bytes per word; if words are longer, the text is full first
_PAIRS_PER_PART: Final = 1 << 17
"""Maximum number of pairs in one part: about 2 MB of text, and always below 2 GiB, however long the words are."""


class NgramCounts(NamedTuple):
    """Counts for a part of the text. The sum over all parts gives the counts of the complete text.

    Attributes:
        words: Words, string.
        word_counts: Count of each word, int64.
        pairs: Distinct pairs as two words with a space between them, string.
        pair_counts: Count of each pair, int64.
    """

    words: pa.Array
    word_counts: pa.Array
    pairs: pa.Array
    pair_counts: pa.Array


class NgramCounter:
    """Counter of words and pairs of neighbours.

    Args:
        max_words: Maximum number of distinct words in memory; rounded up to a power of two.
        max_pairs: Maximum number of pairs in memory, including repetitions.
        keep_odd: Whether words may start and end with quotes, brackets and markup characters.

    >>> counter = NgramCounter()
    >>> list(counter.add(b"new york, new york"))
    []
    >>> (counts,) = counter.drain()
    >>> dict(zip(counts.pairs.to_pylist(), counts.pair_counts.to_pylist()))
    {'new york': 2}
    """

    def __init__(self, *, max_words: int = MAX_WORDS, max_pairs: int = MAX_PAIRS, keep_odd: bool = False) -> None:
        self._classes = character_classes(keep_odd=keep_odd).table
        self._max_words = 1 << (max_words - 1).bit_length()
        # The operating system provides memory only when it is written to: a short text takes only what it needs.
        self._pairs = np.empty(max_pairs, np.uint64)
        self._table = _empty_table(min(_FIRST_WORDS, self._max_words), self._pairs)
        self.tokens = 0
        self.left_out = 0

    def add(self, text: bytes) -> Iterator[NgramCounts]:
        """Count a text. The words of two texts are not neighbours.

        Args:
            text: Valid UTF-8.

        Yields:
            The counts so far, each time that the memory is full.
        """
        padded = read_only(np.frombuffer(text + _PADDING, np.uint8))
        self._table.state[[POSITION, LAST_START, LAST_SIZE]] = 0
        while (full := count_words(padded, len(text), self._classes, self._table)) != DONE:
            if full == PAIRS_FULL or not self._grow():
                # An empty table has room for every word: words have at most 256 characters.
                yield from self.drain()

    def drain(self) -> Iterator[NgramCounts]:
        """Yield the counts since the last call, in parts, and reset them. The caller must consume all parts."""
        table, state = self._table, self._table.state
        counts = table.records[COUNT : RECORD * state[WORDS] : RECORD].astype(np.int64)
        # The last word before the table was emptied is added again for its pair, but may not have occurred since.
        seen = counts > 0
        words, word_counts = _word_strings(table, int(state[WORDS])).filter(pa.array(seen)), pa.array(counts[seen])
        pairs = table.pairs[: state[PAIRS]]
        pairs.sort()
        pair_counts = np.empty(len(pairs), np.int64)
        distinct = count_sorted_pairs(pairs, pair_counts)
        for start in range(0, max(distinct, 1), _PAIRS_PER_PART):
            end = min(start + _PAIRS_PER_PART, distinct)
            texts = _pair_strings(table, pairs[start:end])
            yield NgramCounts(words, word_counts, texts, pa.array(pair_counts[start:end]))
            words, word_counts = words[:0], word_counts[:0]
        self.tokens += int(state[TOKENS])
        self.left_out += int(state[LEFT_OUT])
        state[[WORDS, TEXT_BYTES, PAIRS, TOKENS, LEFT_OUT]] = 0
        table.slots[:] = 0

    def _grow(self) -> bool:
        """Double the table of words. Return False if it already has its maximum size."""
        old, used = self._table, int(self._table.state[WORDS])
        words = 2 * (len(old.records) // RECORD)
        if words > self._max_words:
            return False
        self._table = new = _empty_table(words, self._pairs)
        lengths = {
            "text": int(old.state[TEXT_BYTES]),
            "ends": used + 1,
            "records": RECORD * used,
            "state": STATE_FIELDS,
        }
        for name, length in lengths.items():
            getattr(new, name)[:length] = getattr(old, name)[:length]
        fill_slots(new)
        return True


def _empty_table(words: int, pairs: NDArray[np.uint64]) -> WordTable:
    """Return an empty table with room for a number of words, at least 64 KiB of text, and pairs in a given array."""
    return WordTable(
        text=np.empty(max(_MEAN_BYTES * words, 1 << 16) + PAD, np.uint8),
        ends=np.zeros(words + 1, np.int32),
        records=np.zeros(RECORD * words, np.uint64),
        slots=np.zeros(2 * words, np.uint64),
        pairs=pairs,
        state=np.zeros(STATE_FIELDS, np.int64),
    )


def _word_strings(table: WordTable, words: int) -> pa.Array:
    """Return the words as an Arrow array. They are copied, because the table is used again."""
    ends = pa.py_buffer(table.ends[: words + 1].tobytes())
    text = pa.py_buffer(table.text[: table.state[TEXT_BYTES]].tobytes())
    return pa.StringArray.from_buffers(words, ends, text)


def _pair_strings(table: WordTable, pairs: NDArray[np.uint64]) -> pa.Array:
    """Return distinct pairs as an Arrow array."""
    ends = np.zeros(len(pairs) + 1, np.int32)
    text = write_pairs(pairs, table, ends)
    return pa.StringArray.from_buffers(len(pairs), pa.py_buffer(ends), pa.py_buffer(text))
