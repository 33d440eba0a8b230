"""Listings of files, for tests of what a run writes or leaves untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def file_times(folder: Path) -> dict[str, int]:
    """Return the modification time of each file below a folder, in nanoseconds."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
