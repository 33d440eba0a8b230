"""Report of a dry run: what a curation would read and write."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DryRunReport:
    """Plan of a run for which nothing was written.

    Attributes:
        run_id: Id that the run would have.
        source: Files or table versions that the run would read.
        columns: Name and type of the pool's column by its meaning. A derived column has no name of its own.
        carried_columns: Other columns, which are copied.
        metadata: Number of entries, and of those that can match, by language.
        threshold: Rule that sets t.
        state: State in which the run would start: "new", "from stored counts" or "already finished".
        tables: Path and planned change of each table.
        max_table_bytes: Estimated size of the curated table if every row were kept; None if the size of the pool is
            unknown.
        free_bytes: Free space on the disk of the tables; None if they are not in a local folder.
    """

    run_id: str
    source: dict[str, Any]
    columns: dict[str, tuple[str, str]]
    carried_columns: list[str]
    metadata: dict[str, tuple[int, int]]
    threshold: str
    state: str
    tables: dict[str, tuple[str, str]]
    max_table_bytes: int | None
    free_bytes: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
