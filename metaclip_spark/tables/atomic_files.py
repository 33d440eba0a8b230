"""Small files that belong together: at the end either all of them get their names, or none does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark.errors import TableError
from metaclip_spark.tables.output_files import new_file

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path


def add_file(stack: ExitStack, place: Path, content: bytes) -> None:
    """Write a file under a temporary name; it replaces the named file when the stack exits without an error.

    The file added last gets its name first.

    Raises:
        TableError: The file cannot be written.
    """
    partial = stack.enter_context(new_file(str(place), overwrite=True))
    try:
        partial.write_bytes(content)
    except OSError as error:
        raise TableError(f"Cannot write {place}: {error.strerror}.") from None


def json_bytes(value: object) -> bytes:
    """Return a value as human-readable JSON, with the same bytes for the same value."""
    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
