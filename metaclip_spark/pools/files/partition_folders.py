"""Partition folders (`language=en`): the base below which they are columns, if the paths of a pool lead into them."""

from __future__ import annotations

import re
from typing import Final

from metaclip_spark.errors import InputError

GLOB: Final = re.compile(r"(?<!\\)[*?\[{]")
"""Characters that make a path a pattern, unless a backslash is before them."""

_KEY_VALUE: Final = re.compile(r"[^=]+=.*")
_FILE: Final = re.compile(r".+\.\w+")


def literal(path: str) -> str:
    r"""Return a path without its escapes; it must contain no pattern.

    >>> literal(r"/pool/\{a\}")
    '/pool/{a}'
    """
    return re.sub(r"\\(.)", r"\1", path)


def base_of(path: str) -> str | None:
    """Return the folder above the partition folders or globs at the end of a path; None if it has neither.

    >>> base_of("/pool/language=en"), base_of("/pool/language=en/shard=1/a.parquet"), base_of("/pool/*/shard=1")
    ('/pool', '/pool', '/pool')
    >>> base_of("/data/run=7/pool"), base_of("/data/run=7/pool/*.parquet")
    (None, '/data/run=7/pool')
    """
    parts = path.rstrip("/").split("/")
    start = len(parts)
    if start > 1 and _FILE.fullmatch(parts[-1]) and not GLOB.search(parts[-1]) and _KEY_VALUE.fullmatch(parts[-2]):
        start -= 1  # a file in a partition folder
    while start > 1 and (_KEY_VALUE.fullmatch(parts[start - 1]) or GLOB.search(parts[start - 1])):
        start -= 1
    first_glob = next((place for place, part in enumerate(parts) if GLOB.search(part)), start)
    start = min(start, first_glob)
    return None if start == len(parts) else "/".join(parts[:start]) or "/"


def common_base(paths: tuple[str, ...]) -> str | None:
    """Return the base of all paths, if they lead into partition folders; None leaves each path its own base.

    Raises:
        InputError: The paths lead into the partition folders of several bases.
    """
    bases = {path: base_of(path) for path in paths}
    found = sorted({base for base in bases.values() if base is not None})
    if len(set(bases.values())) == 1:
        return found[0] if found else None
    inside = [path for path in paths if any(_KEY_VALUE.fullmatch(part) for part in _below(path, bases[path]))]
    if not inside:
        return None
    raise InputError(
        f"The path {inside[0]} leads into the partition folders of {bases[inside[0]]}, but other paths of the pool do "
        f"not ({', '.join(base for base in found if base != bases[inside[0]]) or 'no partition folders'}). Curate the "
        "paths of one table of folders, and append the others."
    )


def _below(path: str, base: str | None) -> list[str]:
    return [] if base is None else path.removeprefix(base).split("/")
