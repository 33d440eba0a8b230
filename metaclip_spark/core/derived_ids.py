"""Names of rows and images that follow from their content: two runs, or two sites, give a row the same name."""

from __future__ import annotations

import hashlib
from typing import Final

UID_HASH: Final = "md5"
"""The 128-bit hash behind derived uids; Spark's md5(concat(image_url, x'00', text)) computes the same."""

_IMAGE_ID_DIGITS: Final = 24


def derived_uid(image_url: str, text: str) -> str:
    """Name of a row (one image with one text) that brought no id of its own.

    The zero byte keeps the two parts apart: no URL holds one, so two different rows never hash the same bytes.

    Args:
        image_url: the image's URL as stored.
        text: the caption as stored.

    Returns:
        32 lowercase hexadecimal digits, the form DataComp uses for its uid lists.

    >>> derived_uid("https://example.org/a.jpg", "a cat")
    'c69e8378c37fc91fd42502504ad0277a'
    """
    return hashlib.md5(image_url.encode() + b"\0" + text.encode(), usedforsecurity=False).hexdigest()


def image_id(url: str) -> str:
    """Name of an image: the published record id, the first 24 digits of SHA-224 of its URL without tabs and spaces.

    Args:
        url: the image's URL as stored.

    Returns:
        24 lowercase hexadecimal digits.

    >>> image_id("https://example.org/a b.jpg") == image_id("https://example.org/ab.jpg")
    True
    """
    bare = url.replace("\t", "").replace(" ", "")
    return hashlib.sha224(bare.encode()).hexdigest()[:_IMAGE_ID_DIGITS]
