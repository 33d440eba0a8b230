"""What an export wrote."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ExportReport:
    """The result of an export.

    Attributes:
        format: "img2dataset", "datacomp", "jsonl" or "entry-probabilities".
        target: what was written, a folder or a file: a path of the driver's machine, or a location with its scheme.
        rows: lines, uids or entries in it.
        left_out: rows of the curated table that the format has no place for: without URL, or with a repeated uid.
        columns: names in the target; empty where it has none.
        run_id: the run whose rows or counts they are.
    """

    format: str
    target: str
    rows: int
    left_out: int
    columns: list[str]
    run_id: str

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        return asdict(self)
