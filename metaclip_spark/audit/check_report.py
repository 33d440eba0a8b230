"""What a check of a curated table found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from metaclip_spark.core.text_layout import aligned, count


@dataclass(frozen=True)
class TableCheck:
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


def render_check(found: TableCheck) -> str:
    """The findings as text, without a line break at the end."""
    by_pool = [(name or "(no name)", count(rows)) for name, rows in sorted(found.rows_by_pool.items())]
    return "\n".join(
        [
            f"{found.curated} agrees with run {found.run_id}",
            *aligned(
                [
                    ("version", str(found.version)),
                    ("rows", count(found.rows)),
                    ("expected", _expected(found)),
                ]
            ),
            "Rows by pool",
            *aligned(by_pool),
        ]
    )


def _expected(found: TableCheck) -> str:
    if found.expected_size is None:
        return "not known: rows dropped before were not read again"
    off = (found.rows - found.expected_size) / found.expected_deviation if found.expected_deviation else 0.0
    return f"{count(found.expected_size)}, {off:+.1f} standard deviations"
