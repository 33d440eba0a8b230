"""Words: which tokens of a text are words, and which are neighbours.

Tokens are those of spaced captions, so that each can match one: the seven marks and blanks end them, nothing else does.
A word holds a letter or a digit, and has no quote, bracket or markup at an edge, as "(from" has, which would match in
captions only what happens to stand at such an edge too.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.spacing import PUNCTUATION
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLANK, BREAK, MARK, LETTER, ODD, OTHER, BAD = range(7)
"""Classes of characters. A BLANK separates; a BREAK and a MARK separate and are no neighbours' business; a LETTER (or
digit) makes a token a word; ODD ones may not stand at its edge, BAD ones nowhere in it."""

LONGEST: Final = 256
"""Characters of an entry at most (Meta CLIP 2)."""

_TABLE: Final = 0x20000
"""Code points that have a class of their own in the table; the planes behind hold ideographs."""
_PLANES_OF_IDEOGRAPHS: Final = 0x40000
_ODD: Final = "\"'()[]{}<>|=*#_~^/\\"
_LINE_ENDS: Final = "\n\u2028\u2029"
_BLANKS: Final = frozenset({"Zs", "Cc"})
_UNASSIGNED: Final = frozenset({"Cn", "Co", "Cs"})
_BRACKETS_AND_QUOTES: Final = frozenset({"Ps", "Pe", "Pi", "Pf"})


class CharacterClasses(NamedTuple):
    """Class of each character: uint8, shape (0x20000,)."""

    table: NDArray[np.uint8]


def class_of(character: str) -> int:
    r"""Class of a character.

    >>> [class_of(character) for character in " \n.a'-\ufffd\u00a0"]
    [0, 1, 2, 3, 4, 5, 6, 0]
    """
    if character in _LINE_ENDS:
        return BREAK
    if character.isascii() and ord(character) in PUNCTUATION:
        return MARK
    category = unicodedata.category(character)
    if character in _ODD or category in _BRACKETS_AND_QUOTES:
        return ODD
    if category[0] in "LMN":
        return LETTER
    if category in _BLANKS:
        return BLANK
    return BAD if category in _UNASSIGNED or character == "\ufffd" else OTHER


@cache
def character_classes(*, keep_odd: bool = False) -> CharacterClasses:
    """The table of all characters.

    Args:
        keep_odd: words may begin and end with quotes, brackets and markup.
    """
    table = np.array([class_of(chr(point)) for point in range(_TABLE)], np.uint8)
    if keep_odd:
        table[table == ODD] = OTHER
    return CharacterClasses(read_only(table))


def word_runs(text: str, *, keep_odd: bool = False) -> Iterator[list[str]]:
    """Words of a text in runs of neighbours: the rule, plainly; `word_kernels` does the same fast.

    >>> list(word_runs('"The quick (brown) fox, a  dog 3 - U.S.'))
    [['quick'], ['fox'], ['a', 'dog', '3'], ['U'], ['S']]
    """
    run: list[str] = []
    token = ""
    for character in text + "\n":
        kind = _class(character)
        if kind > MARK:
            token += character
            continue
        if token and not is_word(token, keep_odd=keep_odd):
            kind, token = BREAK, ""
        if token:
            run.append(token)
            token = ""
        if kind != BLANK and run:
            yield run
            run = []


def is_word(token: str, *, keep_odd: bool = False) -> bool:
    """Whether a token is a word; one that holds what ends tokens, as those of lists from elsewhere may, is none.

    >>> [token for token in ("C", "dog's", "dogs'", "-", "50%", "(from", "-ing", "U.S.", "a,b") if is_word(token)]
    ['C', "dog's", '50%', '-ing']
    """
    classes = [_class(character) for character in token]
    if LETTER not in classes or BAD in classes or min(classes) <= MARK or len(token) > LONGEST:
        return False
    return keep_odd or ODD not in {classes[0], classes[-1]}


def _class(character: str) -> int:
    if ord(character) < _TABLE:
        return class_of(character)
    return LETTER if ord(character) < _PLANES_OF_IDEOGRAPHS else BAD
