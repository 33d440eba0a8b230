"""Parsing of page views.

A line of an hourly file (`pageviews-YYYYMMDD-HH0000`) is `project title views bytes`, one of a daily file of
`pageview_complete` (`pageviews-YYYYMMDD-user`) is `project title page_id access views hourly_views`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LINE_VIEWS: Final = 50
"""Minimum views of a line to be counted (Demystifying CLIP Data); desktop and mobile have separate lines."""
MIN_VIEWS: Final = 70
"""Minimum views of a title over all sampled days."""


_DAY: Final = re.compile(r"pageviews-(?P<day>\d{8})-(?:user|(?P<hour>\d{6}))\b")

# Files beside the readable ones on the server, by their names.
_OTHER_FORMS: Final = (
    (re.compile(r"(?:projectviews|projectcounts)-.*"), "totals of projects, without titles"),
    (re.compile(r"pageviews-\d+-(?:spider|automated)\b.*"), "views by crawlers and other programs, not by users"),
    (re.compile(r"pagecounts-(?:ez-.*|\d{4}-\d{2}\b.*)"), "merged counts of before 2016 (pagecounts-ez)"),
    (re.compile(r"clickstream-.*"), "clicks from page to page (clickstream)"),
    (re.compile(r"mediacounts\..*|mediarequests.*"), "requests of media files, not of pages"),
    (re.compile(r"unique_?devices.*"), "numbers of devices, without titles"),
)  # fmt: skip


def other_form(name: str) -> str:
    """Return what a file is if its name is that of another form than page views by title, else "".

    >>> other_form("projectviews-20240501-000000"), other_form("pageviews-20240501-user.bz2")
    ('totals of projects, without titles', '')
    """
    return next((said for pattern, said in _OTHER_FORMS if pattern.fullmatch(name)), "")


def day_given_twice(names: Iterable[str]) -> str:
    """Return a day of which both a daily and an hourly file are given, else "": its views would count twice.

    >>> day_given_twice(["pageviews-20240501-user.bz2", "pageviews-20240501-010000.gz"])
    '20240501'
    """
    days: dict[str, set[bool]] = {}
    for match in filter(None, map(_DAY.match, names)):
        days.setdefault(match["day"], set()).add(match["hour"] is None)
    return next((day for day, kinds in sorted(days.items()) if len(kinds) > 1), "")


class LineFate(StrEnum):
    """Outcome of a line."""

    COUNTED = "counted"
    OTHER_PROJECT = "other_project"
    FEW_VIEWS = "few_views"
    MALFORMED = "malformed"
    """Fields of neither form, or the views are not a number."""
    BAD_TITLE = "bad_title"
    """Percent-encoded bytes that are not UTF-8, or an empty title."""
    WITH_COLON = "with_colon"
    """Title with a colon: a page of another namespace, or an article that cannot be distinguished from one."""


def projects_of(language: str) -> tuple[str, str, str]:
    """Return the names of a Wikipedia in the files: hourly ones for desktop and mobile, and daily ones.

    >>> projects_of("zh_yue")
    ('zh-yue', 'zh-yue.m', 'zh-yue.wikipedia')
    """
    name = language.lower().replace("_", "-")
    return name, f"{name}.m", f"{name}.wikipedia"


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
