"""What wikitext is made of, as data: bytes that mean something, tags, entities, link prefixes that are not shown."""

from __future__ import annotations

import html.entities
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PLAIN: Final = 0
"""Kind of a byte that is copied as it is; the others are special, by what they may begin."""
LINE_END, TAG, BRACE_OPEN, BRACE_CLOSE, LINK_OPEN, LINK_CLOSE, PIPE, ENTITY, QUOTE, UNDERSCORE, DASH, COLON, CONTROL = (
    range(1, 14)
)

INLINE: Final = 0
"""Kind of a tag that is removed and its content kept, words beside it joined."""
BREAKING: Final = 1
"""… and neighbouring words kept apart."""
DROPPED: Final = 2
"""Removed with all its content."""
VERBATIM: Final = 3
"""Removed, and its content is no wikitext."""
NESTED: Final = 4
"""Removed with all its content, and may stand in itself."""

_SPECIAL: Final = {
    "\n": LINE_END,
    "<": TAG,
    "{": BRACE_OPEN,
    "}": BRACE_CLOSE,
    "[": LINK_OPEN,
    "]": LINK_CLOSE,
    "|": PIPE,
    "&": ENTITY,
    "'": QUOTE,
    "_": UNDERSCORE,
    "-": DASH,
    ":": COLON,
    "\x7f": CONTROL,
}
_TAGS: Final = {
    INLINE: "a abbr b bdi bdo big cite code data dfn em font i indicator ins kbd langconvert languages mark noinclude "
    "onlyinclude phonos q rb rp rt rtc ruby s samp section small span strike strong sub sup templatestyles time "
    "translate tt tvar u var wbr",
    BREAKING: "blockquote br caption center dd del div dl dt h1 h2 h3 h4 h5 h6 hr li ol p poem pages tbody td tfoot "
    "th thead tr ul",
    DROPPED: "ref references gallery math chem ce score timeline hiero imagemap syntaxhighlight source graph mapframe "
    "maplink inputbox categorytree style script charinsert dynamicpagelist includeonly",
    VERBATIM: "nowiki pre",
    NESTED: "table",
}
# Prefixes of two or three small letters that are no language; a link with a language's prefix stands beside the page.
_NO_LANGUAGES: Final = ("wp", "mw", "wmf", "doi", "rfc", "iss", "oei")
_NEVER_SHOWN: Final = ("file", "image", "media", "category")

_OFFSET: Final = 0xCBF29CE484222325  # FNV-1a
_PRIME: Final = 0x100000001B3
_MASK: Final = 2**64 - 1


class MarkupTables(NamedTuple):
    """Arrays that the kernel looks things up in; hashes ascend, what belongs to them stands at the same place.

    Attributes:
        kind: uint8, shape (256,), of each byte.
        tags: uint64, hashes of tag names.
        tag_kinds: uint8.
        entities: uint64, hashes of entity names, case-sensitive.
        code_points: int32, what they stand for.
        hidden: uint64, hashes of link prefixes (namespaces) that are not shown.
        no_languages: uint64, hashes of prefixes that look like a language's.
    """

    kind: NDArray[np.uint8]
    tags: NDArray[np.uint64]
    tag_kinds: NDArray[np.uint8]
    entities: NDArray[np.uint64]
    code_points: NDArray[np.int32]
    hidden: NDArray[np.uint64]
    no_languages: NDArray[np.uint64]


@cache
def markup_tables(namespaces: tuple[str, ...] = ()) -> MarkupTables:
    """The tables of a wiki.

    Args:
        namespaces: its own names of the namespaces whose links are dropped: files, media, categories.
    """
    kind = np.zeros(256, np.uint8)
    kind[:32] = CONTROL
    for character, what in _SPECIAL.items():
        kind[ord(character)] = what
    tags = {name_hash(name.encode()): what for what, names in _TAGS.items() for name in names.split()}
    entities = {
        name_hash(name[:-1].encode(), fold=False): ord(text)
        for name, text in html.entities.html5.items()
        if name.endswith(";") and len(text) == 1
    }
    hidden = {name_hash(form.encode()) for name in (*_NEVER_SHOWN, *namespaces) for form in _forms(name)}
    return MarkupTables(
        read_only(kind),
        _hashes(tags),
        read_only(np.array([tags[key] for key in sorted(tags)], np.uint8)),
        _hashes(entities),
        read_only(np.array([entities[key] for key in sorted(entities)], np.int32)),
        _hashes(hidden),
        _hashes(name_hash(name.encode()) for name in _NO_LANGUAGES),
    )


def name_hash(name: bytes, *, fold: bool = True) -> int:
    """64-bit FNV-1a of a name, as the kernel computes it; `fold` makes ASCII letters small and "_" a space.

    >>> name_hash(b"User_Talk") == name_hash(b"user talk"), name_hash(b"Eta", fold=False) == name_hash(b"eta")
    (True, False)
    """
    hashed = _OFFSET
    for byte in name.lower().replace(b"_", b" ") if fold else name:
        hashed = ((hashed ^ byte) * _PRIME) & _MASK
    return hashed


def _forms(name: str) -> set[str]:
    """Upper and lower case of letters that the kernel, which folds ASCII alone, does not know to be one."""
    return {name, name.lower(), name.upper(), name[:1].upper() + name[1:], name[:1].lower() + name[1:]}


def _hashes(values: Iterable[int]) -> NDArray[np.uint64]:
    return read_only(np.array(sorted(values), np.uint64))
