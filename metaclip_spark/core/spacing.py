"""Spacing of captions, on which all matching is based (Demystifying CLIP Data, arXiv 2309.16671, section 3.2).

Captions are bytes: raw alt texts are not always valid UTF-8. The rules affect ASCII characters only, whose bytes never
occur inside a longer UTF-8 sequence.
"""

from __future__ import annotations

import re
from typing import Final

SEMANTICS_VERSION: Final = 1
"""Version of the rules of spacing and matching. Tables and artifacts of different versions cannot be combined."""

PUNCTUATION: Final = b",.;:?!`"
"""The seven punctuation marks that become separate words. Hyphens, underscores, slashes, quotes and brackets do not."""

WHITESPACE: Final = b"\t\n\r"
"""The three bytes that become one space each. No other white space does, including U+00A0 and U+3000."""

_TO_SPACE: Final = bytes.maketrans(WHITESPACE, b" " * len(WHITESPACE))
_MARK: Final = re.compile(b"([" + re.escape(PUNCTUATION) + b"])")


def space_caption(caption: bytes) -> bytes:
    r"""Return a caption with spaces around it and around its punctuation, for matching by substring search.

    An entry e matches if b" " + e + b" " occurs in the result. Nothing is folded, collapsed, trimmed or normalised.

    Args:
        caption: Any bytes, usually UTF-8.

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
