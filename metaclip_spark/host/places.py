"""Places that users name: paths of this machine, locations in stores and names of the catalog.

A place is resolved once, where it enters. From then on it depends neither on the working directory nor on what exists.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

HAS_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Scheme of a location in a store (s3a://, hdfs://, dbfs:/); not C:/."""

LOCAL_SCHEME: Final = re.compile(r"file:(?://)?(?=/)", re.IGNORECASE)
"""Scheme of a location on this machine."""

_NO_SLASH: Final = re.compile(r"[a-z][a-z0-9+.-]+:(?!/)", re.IGNORECASE)
_PART: Final = r"(?:\w+|`(?:[^`]|``)+`)"
_NAME: Final = re.compile(rf"{_PART}(?:\.{_PART}){{1,2}}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+")
_HYPHENATED: Final = re.compile(r"(?=[^-]*-)[\w-]+(?:\.[\w-]+){1,2}")
_GLOB: Final = re.compile(r"\\.|\{[^{}]*\}|\[[^]]+\]|.", re.DOTALL)
_GLOB_MARKS: Final = re.compile(r"[*?\[{]")


def exists_here(path: Path) -> bool:
    """Return whether a file or folder exists on this machine.

    Raises:
        ConfigError: A name is too long, or a folder cannot be searched.

    >>> exists_here(Path("/")), exists_here(Path("/nowhere/pool"))
    (True, False)
    """
    try:
        return path.exists()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be accessed: {error.strerror}. Use a path that this user can open on this machine."
        ) from None


def name_parts(place: str) -> tuple[str, ...] | None:
    """Return the parts of a name in the catalog; None if the place is not written like one.

    A name is schema.table, catalog.schema or catalog.schema.table. A part with other characters than letters, digits
    and "_" stands in back-ticks, as in SQL.

    >>> name_parts("main.crawl"), name_parts("`my-cat`.crawl.`a``b`"), name_parts("/data/crawl")
    (('main', 'crawl'), ('my-cat', 'crawl', 'a`b'), None)
    """
    if _NAME.fullmatch(place) is None:
        return None
    return tuple(part[1:-1].replace("``", "`") if part[0] == "`" else part for part in re.findall(_PART, place))


def catalog_name(*parts: str) -> str:
    """Return a name in the catalog, with back-ticks only where they are needed.

    >>> catalog_name("my-cat", "crawl")
    '`my-cat`.crawl'
    """
    return ".".join(part if _PLAIN.fullmatch(part) else f"`{part.replace('`', '``')}`" for part in parts)


def is_table_name(place: str) -> bool:
    """Return whether a place is a name in the catalog: written like one, and not an existing file or folder.

    Raises:
        ConfigError: As for `exists_here`.

    >>> is_table_name("pools.pairs"), is_table_name("s3a://bucket/pools.pairs"), is_table_name("pairs")
    (True, False, False)
    """
    return name_parts(place) is not None and ("`" in place or not exists_here(Path(place)))


def absolute(place: str) -> str:
    """Return a path as an absolute path of this machine, with ~ expanded; other locations are returned unchanged.

    Raises:
        ConfigError: No path can have these characters, or a scheme lacks the slash that follows it.

    >>> absolute("s3a://bucket/pool"), absolute("/pool")
    ('s3a://bucket/pool', '/pool')
    """
    if "\0" in place:
        raise ConfigError(f"The path {place!r} contains a NUL character, which no path can have. Correct it.")
    if _NO_SLASH.match(place) and not exists_here(Path(place)):
        scheme = place.partition(":")[0]
        raise ConfigError(
            f"{place} has a scheme without a slash after it. Write the location in full, "
            f"{scheme}://{'/' if scheme == 'file' else ''}…, or {shlex.quote(f'./{place}')} for a path of this machine."
        )
    return place if HAS_SCHEME.match(place) else str(Path(os.path.expanduser(place)).absolute())  # noqa: PTH111 - Path's own fails for unknown users


def here(place: str) -> Path:
    """Return a path of this machine as an absolute one, with ~ expanded.

    >>> here("/data/../x")
    PosixPath('/data/../x')
    """
    return Path(absolute(place))


def resolved(place: str) -> str:
    """Return a place that can be a name in the catalog or a path, in the form that later steps use.

    Raises:
        ConfigError: The place looks like a name in the catalog, but is not written as one.

    >>> resolved("`main`.crawl"), resolved("/pool"), resolved("s3a://bucket/pool")
    ('main.crawl', '/pool', 's3a://bucket/pool')
    """
    if is_table_name(place):
        return catalog_name(*(name_parts(place) or ()))
    in_ticks = "`" in place and "/" not in place
    if (in_ticks or _HYPHENATED.fullmatch(place)) and not exists_here(Path(place)):
        name = catalog_name(*place.replace("`", "").split("."))
        raise ConfigError(
            f"{place} can be a folder or a name in the catalog. Write {shlex.quote(f'./{place}')} for a folder, or "
            f"{shlex.quote(name)} for the catalog: parts with other characters than letters, digits and _ are in "
            "back-ticks, the parts are separated by dots, and there are two or three."
        )
    return absolute(place)


def containing(place: str, folders: Iterable[str]) -> str | None:
    """Return the first folder that contains a location, or equals it; None if none of them does.

    Links are followed. A folder may be a pattern with * ? [] or {}.

    >>> containing("/data/pool/out", ["/data/x", "file:///data/pool"]), containing("/data/pool2", ["/data/pool"])
    ('file:///data/pool', None)
    >>> containing("/data/2024/out", ["/data/{a,b}", "/data/20*"])
    '/data/20*'
    """
    real_parents: dict[str, str] = {}  # of thousands of files most are in the same folders
    inner = _real(place, real_parents)
    for folder in folders:
        outer = _real(folder, real_parents)
        if f"{inner}/".startswith(f"{outer}/") or (_GLOB_MARKS.search(outer) and _matches(inner, outer)):
            return folder
    return None


def is_inside(place: str, folder: str) -> bool:
    """Return whether a location is a folder or below it, as for `containing`."""
    return containing(place, [folder]) is not None


def _matches(inner: str, pattern: str) -> bool:
    """Return whether a path is at or below a place that a pattern of Hadoop matches."""
    try:
        return re.match(f"{_expression(pattern)}(?:/|$)", inner) is not None
    except re.error:  # reading the pool refuses the pattern
        return False


def _expression(pattern: str) -> str:
    parts = []
    for part in _GLOB.findall(pattern):
        if part[0] == "{" and len(part) > 1:
            parts.append(f"(?:{'|'.join(map(_expression, part[1:-1].split(',')))})")
        elif part[0] == "[" and len(part) > 1:
            parts.append(part)
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part[-1]))
    return "".join(parts)


def _real(place: str, real_parents: dict[str, str]) -> str:
    """Return a location without links and `..`, if it is on this machine.

    Args:
        place: Location.
        real_parents: Folders that were resolved before, without links; extended here.
    """
    path = LOCAL_SCHEME.sub("", place, count=1)
    if HAS_SCHEME.match(path):
        return path.rstrip("/")
    folder, name = os.path.split(absolute(path))
    if folder not in real_parents:
        real_parents[folder] = os.path.realpath(folder)
    joined = f"{real_parents[folder].rstrip('/')}/{name}"
    is_resolved = name not in {"", ".."} and not Path(joined).is_symlink()
    return (joined if is_resolved else os.path.realpath(joined)).rstrip("/")
