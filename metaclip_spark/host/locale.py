"""Locale of Spark's JVM, which takes the encoding of file names from it and from nothing else.

In the locale C or POSIX, Java cannot open a file whose name is not ASCII, and makes folders with "?" in their names.
Python uses UTF-8 there.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE: Final = "LC_ALL"
"""Environment variable that overrides all others of the locale."""

UTF8: Final = "C.UTF-8"
"""Locale with UTF-8 that needs no language files."""


def has_utf8(environment: Mapping[str, str]) -> bool:
    """Return whether the locale of an environment encodes text as UTF-8.

    >>> has_utf8({"LANG": "de_DE.UTF-8"}), has_utf8({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}), has_utf8({})
    (True, False, False)
    """
    named = (environment.get(name) for name in (VARIABLE, "LC_CTYPE", "LANG"))
    return "utf" in next(filter(None, named), "C").lower()


@contextmanager
def child_locale() -> Iterator[None]:
    """Set a locale with UTF-8 for processes started within the context, if Python uses UTF-8 without one."""
    before = os.environ.get(VARIABLE)
    ours = sys.getfilesystemencoding() == "utf-8" and not has_utf8(os.environ)
    if ours:
        os.environ[VARIABLE] = UTF8
    try:
        yield
    finally:
        if ours:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before
