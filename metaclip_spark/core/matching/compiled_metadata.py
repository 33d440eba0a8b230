"""Compiled metadata in memory: an entry list and the tables in which captions are looked up.

`compile_metadata.py` creates it, and `artifact.py` stores it on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from metaclip_spark.core.entry_list import EntryReport
    from metaclip_spark.core.matching.tokens.tables import Tables


@dataclass(frozen=True, eq=False)
class CompiledMetadata:
    """An entry list ready for matching: immutable, and shared by threads or, when mapped, by processes.

    Attributes:
        language: Language of the metadata and of the captions to match.
        metadata_digest: Digest that identifies the entry list, 64 hex digits (`metadata_digest`).
        report: Number of entries that can match, and why the others cannot.
        tables: Arrays that the kernels search.
        entry_offsets: Start of each entry in `tables.text` and the end of the last, int64, shape (n_entries + 1,).
        fates: `EntryFate` of each entry, uint8, shape (n_entries,).
    """

    language: str
    metadata_digest: str
    report: EntryReport
    tables: Tables
    entry_offsets: NDArray[np.int64]
    fates: NDArray[np.uint8]

    @property
    def n_entries(self) -> int:
        """Number of entries, including those that never match. Ids are 0 to n_entries - 1."""
        return len(self.fates)

    @property
    def seed(self) -> int:
        """Seed of the word hash. It changes where words are stored, never which entries match."""
        return int(self.tables.seed)

    def entry(self, entry_id: int) -> str:
        """Return the text of an entry.

        Raises:
            IndexError: `entry_id` is not in 0 to n_entries - 1.
        """
        if not 0 <= entry_id < self.n_entries:
            raise IndexError(f"There is no entry {entry_id}: ids are 0 to {self.n_entries - 1}.")
        start, end = self.entry_offsets[entry_id], self.entry_offsets[entry_id + 1]
        return self.tables.text[start:end].tobytes().decode()

    def entries(self, entry_ids: Iterable[int]) -> list[str]:
        """Return the texts of several entries, in the order of the ids."""
        return [self.entry(int(entry_id)) for entry_id in entry_ids]
