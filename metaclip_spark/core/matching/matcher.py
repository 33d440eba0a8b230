"""Match captions against compiled metadata: one for people, Arrow arrays for jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.arrow_strings import NO_BYTES, string_buffers
from metaclip_spark.core.matching.tokens.match_batch import Captions, match_rows
from metaclip_spark.core.spacing import PUNCTUATION, WHITESPACE
from metaclip_spark.core.word_hashing import PAD
from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_MAX_LIST_OFFSET: Final = 2**31 - 1
_DELIMITERS: Final = frozenset((PUNCTUATION + WHITESPACE + b" ").decode())
_MARKS: Final = frozenset(PUNCTUATION.decode())


@dataclass(frozen=True)
class Match:
    """One occurrence of an entry in a caption.

    Attributes:
        entry_id: the entry's position in the metadata list.
        entry: its text.
        start: first character of the occurrence in the caption as given.
        end: the character behind its last. Spacing may have widened it: caption[start:end] of "a , b" can be "a,b".
    """

    entry_id: int
    entry: str
    start: int
    end: int


class Matcher:
    """Finds the entries of a metadata list in captions (Demystifying CLIP Data, Algorithm 1, part 1).

    Stateless but for the compiled metadata: one matcher serves any number of threads, and the work of a call is
    proportional to what it is given.

    >>> from metaclip_spark.core.matching.compile_metadata import compile_metadata
    >>> matcher = Matcher(compile_metadata(["york", "new york", "night", "Night"]))
    >>> matcher.match("new york at night!")
    [0, 1, 2]
    >>> matcher.match_batch(pa.array(["york", None, ""])).to_pylist()
    [[0], None, []]
    """

    def __init__(self, compiled: CompiledMetadata) -> None:
        self.compiled = compiled

    def match(self, caption: str | bytes) -> list[int]:
        """Ids of the entries that a caption holds, ascending, each once.

        Args:
            caption: text, or its bytes, which need not be valid UTF-8.

        >>> from metaclip_spark.core.matching.compile_metadata import compile_metadata
        >>> Matcher(compile_metadata(["a", "b"])).match(b"b, a, b")
        [0, 1]
        """
        data = caption if isinstance(caption, bytes) else caption.encode(errors="surrogatepass")
        offsets = read_only(np.array([0, len(data)], np.int64))
        padded = read_only(np.frombuffer(data + bytes(PAD), np.uint8))
        ids, _ = match_rows(Captions(padded, NO_BYTES, 1, offsets, NO_BYTES, 0), self.compiled.tables)
        return [int(i) for i in ids]

    def find(self, caption: str) -> list[Match]:
        """Every occurrence of every matching entry, overlapping and repeated ones included, in reading order.

        For people: it looks at one caption, in plain Python.

        >>> from metaclip_spark.core.matching.compile_metadata import compile_metadata
        >>> matcher = Matcher(compile_metadata(["new york", "york", "york , york"]))
        >>> [(m.entry, m.start, m.end) for m in matcher.find("new york,york")]
        [('new york', 0, 8), ('york', 4, 8), ('york , york', 4, 13), ('york', 9, 13)]
        """
        words = _words_with_positions(caption)
        places: dict[str, list[int]] = {}
        for place, (word, _, _) in enumerate(words):
            places.setdefault(word, []).append(place)
        matches = []
        for entry_id in self.match(caption):
            entry = self.compiled.entry(entry_id)
            sought = entry.split(" ")
            for place in places.get(sought[0], ()):
                found = words[place : place + len(sought)]
                if [word for word, _, _ in found] == sought:
                    matches.append(Match(entry_id, entry, start=found[0][1], end=found[-1][2]))
        return sorted(matches, key=lambda match: (match.start, match.end, match.entry_id))

    def match_batch(self, captions: pa.Array | pa.ChunkedArray) -> pa.ListArray:
        """Ids of a column of captions, in Arrow form.

        Args:
            captions: string, large_string, binary or large_binary; sliced or chunked as they come.

        Returns:
            list<int32>, one list per caption, ascending and without repeats; null for a null caption.

        Raises:
            InputError: another type, or 2**31 matches and more, which a list array cannot hold.
        """
        if isinstance(captions, pa.ChunkedArray):
            chunks = [self.match_batch(chunk) for chunk in captions.chunks]
            return pa.concat_arrays(chunks) if chunks else pa.array([], pa.list_(pa.int32()))
        ids, offsets = self.match_ids(captions)
        if len(ids) > _MAX_LIST_OFFSET:
            raise InputError(
                f"a batch of {len(captions):,} captions has {len(ids):,} matches: a list array holds at most "
                f"{_MAX_LIST_OFFSET:,}: pass smaller batches, or use match_ids"
            )
        mask = captions.is_null() if captions.null_count else None
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids), mask=mask)

    def match_ids(self, captions: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids of a column of captions, as two plain arrays.

        Args:
            captions: string, large_string, binary or large_binary; may be sliced.

        Returns:
            ids: int32, shape (matches,), ascending and distinct within each row.
            offsets: int64, shape (rows + 1,): row r has ids[offsets[r]:offsets[r + 1]]; none for a null caption.

        Raises:
            InputError: another type, or buffers that contradict each other.
        """
        offsets, data, validity, first_bit = string_buffers(captions, "captions")
        first_tail_row, tail = _padded_tail(offsets, data)
        batch = Captions(data, tail, first_tail_row, offsets, validity, first_bit)
        return match_rows(batch, self.compiled.tables)


def _words_with_positions(caption: str) -> list[tuple[str, int, int]]:
    """Words of a spaced caption, empty ones included, each with where it begins and ends in the caption as given.

    >>> _words_with_positions("a, b")
    [('a', 0, 1), (',', 1, 2), ('', 2, 2), ('b', 3, 4)]
    """
    words = []
    start = 0
    for position, character in enumerate(caption):
        if character in _DELIMITERS:
            words.append((caption[start:position], start, position))
            start = position + 1
            if character in _MARKS:
                words.append((character, position, start))
    words.append((caption[start:], start, len(caption)))
    return words


def _padded_tail(offsets: NDArray[np.int64], data: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8]]:
    """The first row that ends less than `PAD` bytes before the end of `data`, and a padded copy of the rows from there.

    Kernels load 64 bytes at once. Most buffers end in the last row: only that one, or the few of the last 64 bytes, are
    copied.
    """
    rows = len(offsets) - 1
    first = int(np.searchsorted(offsets[1:], len(data) - PAD, side="right"))
    if first == rows:
        return rows, NO_BYTES
    rest = data[offsets[first] : offsets[rows]]
    return first, read_only(np.concatenate([rest, np.zeros(PAD, np.uint8)]))
