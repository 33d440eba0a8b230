"""Ids of rows and images that are derived from their content, so that all runs give a row the same id."""

from __future__ import annotations

import hashlib
from typing import Final

UID_HASH: Final = "md5"
"""Name of the 128-bit hash of derived uids; Spark's md5(concat(image_url, x'00', text)) computes the same."""

_IMAGE_ID_DIGITS: Final = 24


def derived_uid(image_url: str, text: str, position: int | None = None) -> str:
    """Return the uid of a row (one image with one text) for a pool without an id column.

    A zero byte separates the two parts. URLs contain no zero byte, so two different rows never hash the same bytes.

    Args:
        image_url: URL of the image as stored.
        text: Caption as stored.
        position: Position of the caption, from 0, if the captions of the image are a list; its decimal digits follow
            another zero byte.

    Returns:
        32 lowercase hexadecimal digits, the form of DataComp's uid lists.

    >>> derived_uid("https://example.org/a.jpg", "a cat")
    'c69e8378c37fc91fd42502504ad0277a'
    """
    place = b"" if position is None else b"\0" + str(position).encode()
    return hashlib.md5(image_url.encode() + b"\0" + text.encode() + place, usedforsecurity=False).hexdigest()


def image_id(url: str) -> str:
    """Return the id of an image: the first 24 digits of SHA-224 of its URL without tabs and spaces, as published.

    Args:
        url: URL of the image as stored.

    Returns:
        24 lowercase hexadecimal digits.

    >>> image_id("https://example.org/a b.jpg") == image_id("https://example.org/ab.jpg")
    True
    """
    bare = url.replace("\t", "").replace(" ", "")
    return hashlib.sha224(bare.encode()).hexdigest()[:_IMAGE_ID_DIGITS]
