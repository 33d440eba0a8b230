"""Compiled metadata in memory: an entry list as a few plain arrays that the kernels look into.

`tables.py` compiles it, `artifact.py` is its form on disk, `DESIGN.md` explains its two tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from metaclip_spark.core.entry_list import EntryReport
    from metaclip_spark.core.word_hashing import Tables

MAX_TEXT: Final = 2**32
"""Bytes of all entries together are below this: a slot of the word table has 32 bits for an offset."""

MAX_ENTRIES: Final = 2**30
"""Ids are int32."""

MAX_NODES: Final = 2**32
"""Slots of the word table and phrases together are below this: a phrase's key has 32 bits for a node."""


@dataclass(frozen=True, eq=False)
class CompiledMetadata:
    """An entry list ready to match: immutable, and shared by threads or, when mapped, by processes.

    Attributes:
        language: the language whose captions it is for.
        metadata_digest: name of the entry list, 64 hex digits (`metadata_digest`).
        report: how many entries can match, and why the others cannot.
        tables: the arrays that kernels look into.
        entry_offsets: int64, shape (n_entries + 1,), where each entry begins in `tables.text`.
        fates: uint8, shape (n_entries,), `EntryFate` of each entry.
    """

    language: str
    metadata_digest: str
    report: EntryReport
    tables: Tables
    entry_offsets: NDArray[np.int64]
    fates: NDArray[np.uint8]

    @property
    def n_entries(self) -> int:
        """Number of entries of the list, those that never match included: ids are 0 to n_entries - 1."""
        return len(self.fates)

    @property
    def seed(self) -> int:
        """Seed of the word hash; it changes where words lie, never what matches."""
        return int(self.tables.seed)

    def entry(self, entry_id: int) -> str:
        """Text of one entry.

        Raises:
            IndexError: `entry_id` is not in 0 to n_entries - 1.
        """
        if not 0 <= entry_id < self.n_entries:
            raise IndexError(f"entry {entry_id} of {self.n_entries}: ids are 0 to {self.n_entries - 1}")
        start, end = self.entry_offsets[entry_id], self.entry_offsets[entry_id + 1]
        return self.tables.text[start:end].tobytes().decode()

    def entries(self, entry_ids: Iterable[int]) -> list[str]:
        """Texts of several entries, in the order of the ids."""
        return [self.entry(int(entry_id)) for entry_id in entry_ids]
