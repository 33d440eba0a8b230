"""What a curation would read, do and write: the plan of a dry run, for people and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DryRunReport:
    """The plan of a run; nothing has been written for it.

    Attributes:
        run_id: the name that the run would have.
        source: what would be read.
        columns: by meaning, the pool's column and its type; a derived one has no name of its own.
        carried: the other columns, which are copied.
        metadata: by language, entries and how many of them can match.
        threshold: what sets t.
        state: what a run would do now: "new", "from stored counts", "already finished".
        tables: by table, its path and what would happen to it.
        bytes_at_most: estimate of the curated table's size if every row were kept; None where the pool's is unknown.
        bytes_free: on the disk of the output; None where that is no local folder.
    """

    run_id: str
    source: dict[str, Any]
    columns: dict[str, tuple[str, str]]
    carried: list[str]
    metadata: dict[str, tuple[int, int]]
    threshold: str
    state: str
    tables: dict[str, tuple[str, str]]
    bytes_at_most: int | None
    bytes_free: int | None

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON types."""
        return asdict(self)
