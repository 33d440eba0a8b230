"""Report of a table check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CheckReport:
    """Figures of a curated table that agrees with the run that wrote it.

    Attributes:
        run_id: Run that wrote the table.
        curated: Path of the curated table.
        version: Version of the curated table.
        rows: Number of rows in the table.
        rows_by_pool: Number of rows by name of the pool.
        t: Threshold by language, in matches.
        expected_size: Sum of q(t) over the matched rows; None if the run did not read the rows that earlier runs
            dropped.
        expected_deviation: Standard deviation of the size if all rows draw independently; None as above.
        counters: Rows that the run read, by outcome.
    """

    run_id: str
    curated: str
    version: int
    rows: int
    rows_by_pool: dict[str, int]
    t: dict[str, float]
    expected_size: float | None
    expected_deviation: float | None
    counters: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
