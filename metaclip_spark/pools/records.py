"""Marks on the records of text pools: which of them are rows."""

from __future__ import annotations

from typing import Final

# The colon keeps these names apart from any that a pool may have in a Delta table.
RECORD: Final = "metaclip:record"
"""Column of the marks."""
LINE: Final = "metaclip:line"
"""Column of the records' text."""

WELL_FORMED: Final = 0
MALFORMED: Final = 1
HEADER: Final = 2
