"""Where things are: locations that mean the same to Spark wherever it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HAS_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Begins a location in a store (s3a://, hdfs://, dbfs:/); C:/ is none."""


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
