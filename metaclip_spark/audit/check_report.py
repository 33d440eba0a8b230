"""What a check of a curated table found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CheckReport:
    """A curated table that agrees with the run that wrote it.

    Attributes:
        run_id: of that run.
        curated: path of the table.
        version: of the table.
        rows: of the table.
        rows_by_pool: Rows of each pool.
        t: threshold by language.
        expected_size: sum of q(t) over the matched rows; None where rows that were dropped before were
            not read again.
        expected_deviation: standard deviation of the size, of rows that draw independently; None as above.
        counters: of the run: rows read by what became of them.
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
        """The findings as JSON types."""
        return asdict(self)
