"""Which library this process runs: driver and workers must run the same."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable


@cache
def library_identity() -> str:
    """Version and a digest of the sources, which also tells two states of one version apart.

    >>> " (sources " in library_identity()
    True
    """
    package = sys.modules[__name__.partition(".")[0]]
    digest = hashlib.sha256()
    for name, source in sorted(_sources(files(package), "")):
        for part in (name.encode(), source):
            digest.update(len(part).to_bytes(8, "little") + part)
    return f"{package.__version__} (sources {digest.hexdigest()[:12]})"


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{place}{entry.name}", entry.read_bytes()
