"""Where things are: locations that mean the same to Spark wherever it runs."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HAS_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Begins a location in a store (s3a://, hdfs://, dbfs:/); C:/ is none."""

TABLE_NAME: Final = re.compile(r"\w+(?:\.\w+){1,2}")
"""schema.table or catalog.schema.table."""


def is_table_name(place: str) -> bool:
    """Whether a place is a table of the catalog: named like one, and there is no such file or folder.

    >>> is_table_name("crawls.pairs"), is_table_name("s3a://bucket/crawls.pairs"), is_table_name("pairs")
    (True, False, False)
    """
    return TABLE_NAME.fullmatch(place) is not None and not Path(place).exists()


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was perhaps meant, whatever its case.

    >>> nearest("TEXTS", ["url", "text"])
    'text'
    """
    by_folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def absent_part(path: str) -> str:
    """What is missing of a path on this machine, with a near name if there is one; empty if nothing is.

    >>> absent_part("/"), absent_part("/nowhere/pool"), absent_part("s3a://bucket/pool")
    ('', 'there is no nowhere in /', '')
    """
    if HAS_SCHEME.match(path) and not path.startswith("file:"):
        return ""
    place = Path(absolute(path.removeprefix("file://").removeprefix("file:")))
    for part in [*reversed(place.parents), place]:
        if not part.exists():
            try:
                near = nearest(part.name, (sibling.name for sibling in part.parent.iterdir()))
            except OSError:  # a file where a folder should be, or one that may not be read
                near = None
            return f"there is no {part.name} in {part.parent}" + (f", but {near}: did you mean it?" if near else "")
    return ""


def absolute(place: str) -> str:
    """A relative path is one of this machine; a location with a scheme is left as it is.

    >>> absolute("s3a://bucket/pool"), absolute("/pool")
    ('s3a://bucket/pool', '/pool')
    """
    return place if HAS_SCHEME.match(place) else str(Path(place).absolute())


def is_inside(place: str, folder: str) -> bool:
    """Whether a location is a folder or lies below it.

    >>> is_inside("/data/pool/out", "file:///data/pool"), is_inside("/data/pool2", "/data/pool")
    (True, False)
    """
    inner, outer = (
        absolute(path).removeprefix("file://").removeprefix("file:").rstrip("/") for path in (place, folder)
    )
    return f"{inner}/".startswith(f"{outer}/")
