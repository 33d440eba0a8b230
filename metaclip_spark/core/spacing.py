"""Spacing: the text rule that every match rests on (Demystifying CLIP Data, arXiv 2309.16671, section 3.2).

Bytes throughout: raw alt texts are not always valid UTF-8, and no rule here looks at anything but ASCII, whose bytes
never occur inside a longer UTF-8 sequence.
"""

from __future__ import annotations

import re
from typing import Final

SEMANTICS_VERSION: Final = 1
"""Version of the rules of spacing and matching. Tables and artifacts of another version are not mixed with these."""

PUNCTUATION: Final = b",.;:?!`"
"""The seven marks that become words of their own. Hyphen, underscore, slash, quotes and brackets are no separators."""

WHITESPACE: Final = b"\t\n\r"
"""The three bytes that become one space each. No other blank does, U+00A0 and U+3000 included."""

_TO_SPACE: Final = bytes.maketrans(WHITESPACE, b" " * len(WHITESPACE))
_MARK: Final = re.compile(b"([" + re.escape(PUNCTUATION) + b"])")


def space_caption(caption: bytes) -> bytes:
    r"""Wrap a caption in spaces and set its punctuation apart, so that words can be found by plain substring search.

    An entry e matches when b" " + e + b" " occurs in the result. Nothing is folded, collapsed, trimmed or normalised.

    Args:
        caption: any bytes, usually UTF-8.

    Returns:
        The spaced caption, with one leading and one trailing space.

    >>> space_caption(b"St. Louis\tat night")
    b' St .  Louis at night '
    >>> space_caption(b"a,b")
    b' a , b '
    >>> space_caption(b"")
    b'  '
    """
    return b" " + _MARK.sub(rb" \1 ", caption.translate(_TO_SPACE)) + b" "
