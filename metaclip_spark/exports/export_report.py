"""Report of an export."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ExportReport:
    """Result of an export.

    Attributes:
        format: "img2dataset", "datacomp", "jsonl" or "entry-probabilities".
        output: Folder or file that was written: a path of the driver's machine, or a location with its scheme.
        rows: Number of lines, uids or entries written.
        left_out: Number of rows of the curated table that the format cannot contain: without URL, or with a repeated
            uid.
        columns: Column names of the output; empty if it has none.
        run_id: Run whose rows or counts were exported.
    """

    format: str
    output: str
    rows: int
    left_out: int
    columns: list[str]
    run_id: str

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
