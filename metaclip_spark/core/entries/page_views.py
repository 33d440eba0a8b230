"""Titles by page views: one line of an hourly file is `project title views bytes`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

MIN_LINE_VIEWS: Final = 50
"""An hourly line counts only with as many views; desktop and mobile are two lines (Demystifying CLIP Data)."""
MIN_VIEWS: Final = 70
"""Views over all sampled days that a title needs."""


class LineFate(StrEnum):
    """What becomes of a line."""

    COUNTED = "counted"
    OTHER_PROJECT = "other_project"
    FEW_VIEWS = "few_views"
    MALFORMED = "malformed"
    """Not four fields, or views that are no number."""
    BAD_TITLE = "bad_title"
    """Percent-encoding of bytes that are no UTF-8, or nothing at all."""
    WITH_COLON = "with_colon"
    """Other namespaces than the articles', and articles that look like them."""


def projects_of(language: str) -> tuple[str, str]:
    """How a Wikipedia is called in the files: desktop and mobile.

    >>> projects_of("zh_yue")
    ('zh-yue', 'zh-yue.m')
    """
    name = language.lower().replace("_", "-")
    return name, f"{name}.m"


def title_of(raw: str) -> tuple[LineFate, str]:
    """The title of a line, as an entry: percent-decoded first, then looked at for a colon, then "_" as a space.

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
