"""Parsing of page views: one line of an hourly file is `project title views bytes`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

MIN_LINE_VIEWS: Final = 50
"""Minimum views of an hourly line to be counted (Demystifying CLIP Data); desktop and mobile have separate lines."""
MIN_VIEWS: Final = 70
"""Minimum views of a title over all sampled days."""


class LineFate(StrEnum):
    """Outcome of a line."""

    COUNTED = "counted"
    OTHER_PROJECT = "other_project"
    FEW_VIEWS = "few_views"
    MALFORMED = "malformed"
    """Not four fields, or the views are not a number."""
    BAD_TITLE = "bad_title"
    """Percent-encoded bytes that are not UTF-8, or an empty title."""
    WITH_COLON = "with_colon"
    """Title with a colon: a page of another namespace, or an article that cannot be distinguished from one."""


def projects_of(language: str) -> tuple[str, str]:
    """Return the names of a Wikipedia in the files: desktop and mobile.

    >>> projects_of("zh_yue")
    ('zh-yue', 'zh-yue.m')
    """
    name = language.lower().replace("_", "-")
    return name, f"{name}.m"


def title_of(raw: str) -> tuple[LineFate, str]:
    """Return the outcome of a line's title, and its entry: percent-decoded, without a colon, "_" replaced by a space.

    >>> title_of("Caf%C3%A9_Society"), title_of("Talk%3AX")[0].value, title_of("%FF")[0].value
    ((<LineFate.COUNTED: 'counted'>, 'Café Society'), 'with_colon', 'bad_title')
    """
    try:
        title = unquote_to_bytes(raw).decode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        return LineFate.BAD_TITLE, ""
    if ":" in title:
        return LineFate.WITH_COLON, ""
    title = title.replace("_", " ").strip(" ")
    return (LineFate.COUNTED, title) if title and "\ufffd" not in title else (LineFate.BAD_TITLE, "")
