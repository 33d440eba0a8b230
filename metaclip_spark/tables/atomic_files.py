"""Small files that belong together: each is written under another name, and all get their own at the end or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark.errors import TableError
from metaclip_spark.tables.new_files import new_file

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path


def put_file(stack: ExitStack, place: Path, content: bytes) -> None:
    """Write a file that gets its name, in place of an earlier one, when the stack is left without an error.

    The last one that is put gets its name first.

    Raises:
        TableError: it cannot be written.
    """
    partial = stack.enter_context(new_file(str(place), overwrite=True))
    try:
        partial.write_bytes(content)
    except OSError as error:
        raise TableError(f"cannot write {place}: {error.strerror}") from None


def json_bytes(value: object) -> bytes:
    """A value as JSON for people too, the same bytes for the same value."""
    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
