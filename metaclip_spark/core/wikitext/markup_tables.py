"""Tables of the markup: special bytes, tags, entities, and prefixes of links that are not shown."""

from __future__ import annotations

import html.entities
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.wikitext.name_hashes import name_hash
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PLAIN: Final = 0
"""Kind of a byte that is copied. The other kinds are named after the markup that the byte may start or end."""
LINE_END, TAG, BRACES_OPEN, BRACES_CLOSE, LINK_OPEN, LINK_CLOSE, SEPARATOR, ENTITY, EMPHASIS, SWITCH = range(1, 11)
VARIANT_OPEN, ADDRESS, CONTROL = range(11, 14)

INLINE: Final = 0
"""Kind of a tag that is removed while its content is kept. The text before and after the tag is joined."""
BREAKING: Final = 1
"""Kind of a tag that is removed while its content is kept. A line break separates the text before and after the tag."""
DROPPED: Final = 2
"""Kind of a tag that is removed with its content."""
VERBATIM: Final = 3
"""Kind of a tag that is removed while its content is copied, because it is not wikitext."""
NESTED: Final = 4
"""Kind of a tag that is removed with its content, which may contain the same tag."""

_SPECIAL: Final = {
    "\n": LINE_END,
    "<": TAG,
    "{": BRACES_OPEN,
    "}": BRACES_CLOSE,
    "[": LINK_OPEN,
    "]": LINK_CLOSE,
    "|": SEPARATOR,
    "&": ENTITY,
    "'": EMPHASIS,
    "_": SWITCH,
    "-": VARIANT_OPEN,
    ":": ADDRESS,
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
# Prefixes of two or three lower-case letters that are not languages. A link with the prefix of a language is not shown
# in the text of a page.
_NO_LANGUAGES: Final = ("wp", "mw", "wmf", "doi", "rfc", "iss", "oei")
_NEVER_SHOWN: Final = ("file", "image", "media", "category")


class MarkupTables(NamedTuple):
    """Arrays in which the kernels look up bytes and names. All arrays of hashes are in ascending order.

    Attributes:
        kind: Kind of each byte, uint8, shape (256,).
        tags: Hashes of tag names, uint64.
        tag_kinds: Kind of each tag, uint8.
        entities: Hashes of entity names, which are case-sensitive; uint64.
        code_points: Code point of each entity, int32.
        hidden: Hashes of the prefixes (namespaces) of links that are not shown, uint64.
        no_languages: Hashes of prefixes with the form of a language code that are not languages, uint64.
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
    """Return the tables of a wiki.

    Args:
        namespaces: Names that the wiki gives to the namespaces of files, media and categories, whose links are dropped.
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


def _forms(name: str) -> set[str]:
    """Return variants of a name in upper and lower case, because the kernels fold only ASCII letters."""
    return {name, name.lower(), name.upper(), name[:1].upper() + name[1:], name[:1].lower() + name[1:]}


def _hashes(values: Iterable[int]) -> NDArray[np.uint64]:
    return read_only(np.array(sorted(values), np.uint64))
