"""Rules for words of a corpus: which tokens of a text are words, and which words are neighbours.

Tokens are defined as in spaced captions, so that every word can match a caption: only the seven punctuation marks and
blanks end a token. A word contains a letter or a digit, and has no quote, bracket or markup character at its edges. A
token such as "(from" is excluded because it would match only captions in which the word follows a bracket.
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
"""Classes of characters. A BLANK ends a token. A BREAK or a MARK also ends a run of neighbours. A word needs at least
one LETTER (or digit), must not start or end with an ODD character, and must not contain a BAD one."""

MAX_ENTRY_CHARACTERS: Final = 256
"""Maximum length of an entry (Meta CLIP 2)."""

_TABLE: Final = 0x20000
"""Number of code points in the table of classes. The planes after it contain ideographs."""
_PLANES_OF_IDEOGRAPHS: Final = 0x40000
_ODD: Final = "\"'()[]{}<>|=*#_~^/\\"
_LINE_ENDS: Final = "\n\u2028\u2029"
_BLANKS: Final = frozenset({"Zs", "Cc"})
_UNASSIGNED: Final = frozenset({"Cn", "Co", "Cs"})
_BRACKETS_AND_QUOTES: Final = frozenset({"Ps", "Pe", "Pi", "Pf"})


class CharacterClasses(NamedTuple):
    """Class of each character, uint8, shape (0x20000,)."""

    table: NDArray[np.uint8]


def class_of(character: str) -> int:
    r"""Return the class of a character.

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
    """Return the table of the classes of all characters.

    Args:
        keep_odd: Whether words may start and end with quotes, brackets and markup characters.
    """
    table = np.array([class_of(chr(point)) for point in range(_TABLE)], np.uint8)
    if keep_odd:
        table[table == ODD] = OTHER
    return CharacterClasses(read_only(table))


def word_runs(text: str, *, keep_odd: bool = False) -> Iterator[list[str]]:
    """Yield the words of a text in runs of neighbours. This is the reference for the kernels of `ngrams`.

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
    """Return whether a token is a word. A token of an external list that contains a blank or a mark is not a word.

    >>> [token for token in ("C", "dog's", "dogs'", "-", "50%", "(from", "-ing", "U.S.", "a,b") if is_word(token)]
    ['C', "dog's", '50%', '-ing']
    """
    classes = [_class(character) for character in token]
    if LETTER not in classes or BAD in classes or min(classes) <= MARK or len(token) > MAX_ENTRY_CHARACTERS:
        return False
    return keep_odd or ODD not in {classes[0], classes[-1]}


def _class(character: str) -> int:
    if ord(character) < _TABLE:
        return class_of(character)
    return LETTER if ord(character) < _PLANES_OF_IDEOGRAPHS else BAD
