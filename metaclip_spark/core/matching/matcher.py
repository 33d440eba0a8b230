"""Match captions against compiled metadata: a single caption, an Arrow column, or with the position of each match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.matching.captions import captions_from_arrow, captions_from_bytes
from metaclip_spark.core.matching.tokens.match_rows import match_rows
from metaclip_spark.core.spacing import PUNCTUATION, WHITESPACE
from metaclip_spark.errors import InputError

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
        entry_id: Position of the entry in the metadata.
        entry: Text of the entry.
        start: Position of the first character of the occurrence in the original caption.
        end: Position after the last character. Spacing inserts spaces, so that the entry "a , b" can match the
            characters "a,b" of the original caption.
    """

    entry_id: int
    entry: str
    start: int
    end: int


class Matcher:
    """Matcher of captions against the entries of compiled metadata (Demystifying CLIP Data, Algorithm 1, part 1).

    A matcher has no state except the compiled metadata. Any number of threads can share it, and the cost of a call is
    proportional to its input.

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
        """Return the ids of the entries that match a caption, ascending and distinct.

        Args:
            caption: Text, or its bytes, which need not be valid UTF-8.

        >>> from metaclip_spark.core.matching.compile_metadata import compile_metadata
        >>> Matcher(compile_metadata(["a", "b"])).match(b"b, a, b")
        [0, 1]
        """
        data = caption if isinstance(caption, bytes) else caption.encode(errors="surrogatepass")
        ids, _ = match_rows(captions_from_bytes(data), self.compiled.tables)
        return [int(i) for i in ids]

    def find(self, caption: str) -> list[Match]:
        """Return every occurrence of every matching entry in reading order, including overlapping and repeated ones.

        This method is for explanations: it searches one caption, in plain Python.

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
            entry_words = entry.split(" ")
            for place in places.get(entry_words[0], ()):
                found = words[place : place + len(entry_words)]
                if [word for word, _, _ in found] == entry_words:
                    matches.append(Match(entry_id, entry, start=found[0][1], end=found[-1][2]))
        return sorted(matches, key=lambda match: (match.start, match.end, match.entry_id))

    def match_batch(self, captions: pa.Array | pa.ChunkedArray) -> pa.ListArray:
        """Match a column of captions and return an Arrow array.

        Args:
            captions: Array of string, large_string, binary or large_binary; may be sliced or chunked.

        Returns:
            list<int32>: one list per caption, ascending and distinct; null for a null caption.

        Raises:
            InputError: The column has another type, or more than 2**31 - 1 matches, the limit of a list array.
        """
        if isinstance(captions, pa.ChunkedArray):
            chunks = [self.match_batch(chunk) for chunk in captions.chunks]
            return pa.concat_arrays(chunks) if chunks else pa.array([], pa.list_(pa.int32()))
        ids, offsets = self.match_ids(captions)
        if len(ids) > _MAX_LIST_OFFSET:
            raise InputError(
                f"A batch of {len(captions):,} captions has {len(ids):,} matches, more than the limit of a list array, "
                f"{_MAX_LIST_OFFSET:,}. Pass smaller batches, or use match_ids."
            )
        mask = captions.is_null() if captions.null_count else None
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids), mask=mask)

    def match_ids(self, captions: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Match a column of captions and return two plain arrays.

        Args:
            captions: Array of string, large_string, binary or large_binary; may be sliced.

        Returns:
            ids: Entry ids, int32, shape (matches,), ascending and distinct within each row.
            offsets: int64, shape (rows + 1,). The ids of row r are ids[offsets[r]:offsets[r + 1]]; a null caption has
                none.

        Raises:
            InputError: The column has another type, or its buffers contradict each other.
        """
        return match_rows(captions_from_arrow(captions), self.compiled.tables)


def _words_with_positions(caption: str) -> list[tuple[str, int, int]]:
    """Return the words of the spaced caption, including empty ones, with their start and end in the original caption.

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
