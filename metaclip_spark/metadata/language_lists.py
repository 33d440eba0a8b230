"""Folders of metadata lists: one list per language, identified by its file name (en.txt, de.json.gz, …)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.languages import LANGUAGE, language_code
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.host.places import LOCAL_SCHEME, exists_here, here

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIXES: Final = r"\.(?:txt|json)(?:\.gz)?|\.gz|\.mcs"
_LIST: Final = re.compile(rf"[^._].*?(?:{_SUFFIXES})", re.IGNORECASE | re.DOTALL)
_LANGUAGE_LIST: Final = re.compile(rf"(?P<language>{LANGUAGE})(?:{_SUFFIXES})")
_TABLE: Final = ("_delta_log", ".parquet")
_EXAMPLES: Final = 5


def lists_by_language(place: str) -> dict[str, str]:
    """Return the lists (or artifacts) in a folder of this machine by language; empty if it is not a folder of lists.

    A folder that contains a table, or no list at all, is not a folder of lists. Hidden files are left out.

    Args:
        place: Any location of metadata.

    Raises:
        InputError: A file is not a list that is named by its language, or a language has several lists.
        ConfigError: The folder cannot be accessed.
    """
    folder = _folder(place)
    names = [] if folder is None else _names(folder)
    if folder is None or any(name.endswith(_TABLE) for name in names) or not any(map(_LIST.fullmatch, names)):
        return {}
    matches = {name: _LANGUAGE_LIST.fullmatch(name) for name in names if name[0] not in "._"}
    others = [name for name, match in matches.items() if match is None]
    if others:
        raise InputError(
            f"The folder of metadata {place} has other files than lists named by a language: {_shown(others)}. Name "
            "each list LANG.txt or LANG.json (or either with .gz) and remove other files, or pass LANG=PATH for each "
            "list."
        )
    lists: dict[str, str] = {}
    for name, match in matches.items():
        language = match["language"] if match else ""
        twice = next((own for own in lists if language_code(own) == language_code(language)), None)
        if twice is not None:
            raise InputError(
                f"The folder of metadata {place} has two lists of the language {language!r}: {Path(lists[twice]).name} "
                f"and {name}. Remove one, or pass LANG=PATH for each list."
            )
        lists[language] = str(folder / name)
    return lists


def list_of_language(place: str, language: str | None) -> tuple[str, str] | None:
    """Return the language and path of one list in a folder; None if it is not a folder of lists.

    Raises:
        InputError: The language has no list, or is not given although there are several; or as for
            `lists_by_language`.
    """
    lists = lists_by_language(place)
    if not lists:
        return None
    if language in lists:
        return language, lists[language]
    if language is None and len(lists) == 1:
        return next(iter(lists.items()))
    asked = "Only one is read here" if language is None else f"It has none of {language!r}"
    first, path = next(iter(lists.items()))
    raise InputError(
        f"The folder {place} has lists of {_shown(lists)}. {asked}. Pass the list of one language, such as {path} for "
        f"{first!r}."
    )


def _folder(place: str) -> Path | None:
    folder = here(LOCAL_SCHEME.sub("", place, count=1)) if LOCAL_SCHEME.match(place) or "://" not in place else None
    return folder if folder is not None and exists_here(folder) and folder.is_dir() else None


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} cannot be read: {error.strerror}. Pass a folder that this user can read."
        ) from None


def _shown(names: Iterable[str]) -> str:
    listed = [repr(name)[1:-1] for name in names]
    return ", ".join(listed[:_EXAMPLES]) + (f" and {len(listed) - _EXAMPLES} more" if len(listed) > _EXAMPLES else "")
