"""Words of a command line, as they are printed in a remedy."""

from __future__ import annotations

import shlex


def shell_word(text: str) -> str:
    r"""Return a text as one word of a shell's command line; control characters are written as in `$'a\tb'`.

    >>> shell_word("a=b"), shell_word("it's"), shell_word("a\tb's")
    ('a=b', '\'it\'"\'"\'s\'', "$'a\\tb\\'s'")
    """
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    return character if character.isprintable() else ascii(character)[1:-1]
