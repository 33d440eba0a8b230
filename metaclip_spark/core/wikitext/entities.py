"""Entities of a page (`&eacute;`, `&#233;`, `&#xE9;`) as UTF-8, and names as the kernels hash them."""

# numba types these functions by what they are called with; for mypy an np.uint64 is no int
# mypy: disable-error-code="arg-type, no-any-return, assignment"
# ruff: noqa: PLR2004 - code points and bytes of Unicode

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.wikitext.state import IN, STEPS, Page, put
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metaclip_spark.core.wikitext.markup_tables import MarkupTables

OFFSET = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
_REPLACEMENT = 0xFFFD
_LAST = 0x10FFFF
_LONGEST_NAME = 32
_MOST_DIGITS = 8


@inlined_lean_step
def hash_byte(hashed: np.uint64, byte: int) -> np.uint64:
    """One step of FNV-1a."""
    return (hashed ^ np.uint64(byte)) * PRIME


@inlined_lean_step
def small(byte: int) -> int:
    """A capital of ASCII as its small letter, "_" as a space."""
    if 65 <= byte <= 90:
        return byte + 32
    return 32 if byte == 95 else byte


@inlined_lean_step
def is_letter_or_digit(byte: int) -> bool:
    """Of ASCII."""
    return 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57


@lean_step
def place_of(key: np.uint64, hashes: NDArray[np.uint64]) -> int:
    """Where a hash stands among ascending ones; -1 if nowhere."""
    low, high = 0, len(hashes)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(hashes) and hashes[low] == key else -1


@lean_step
def put_entity(page: Page, tables: MarkupTables) -> None:
    """Write what the entity here stands for; an "&" that begins none is text."""
    i = page.at[IN] + 1
    start = i
    point = -1
    if page.text[i] == 35:  # "#"
        i, point = number_at(page, i + 1)
    else:
        hashed = OFFSET
        while i - start < _LONGEST_NAME and is_letter_or_digit(page.text[i]):
            hashed = hash_byte(hashed, page.text[i])
            i += 1
        place = place_of(hashed, tables.entities)
        if place >= 0:
            point = np.int64(tables.code_points[place])
    page.at[STEPS] += i - start
    if point < 0 or page.text[i] != 59:  # ";"
        page.at[IN] = start
        put(page, 38)
    else:
        page.at[IN] = i + 1
        put_utf8(page, point)


@lean_step
def number_at(page: Page, i: int) -> tuple[int, int]:
    """A number, decimal or behind an x hexadecimal: where it ends, and its value; -1 if there is none."""
    base = 16 if page.text[i] in (88, 120) else 10
    i += 1 if base == 16 else 0
    start = i
    value = 0
    while i - start < _MOST_DIGITS:
        digit = np.int64(small(page.text[i]))
        digit = digit - 48 if 48 <= digit <= 57 else digit - 87 if 97 <= digit <= 102 else 99
        if digit >= base:
            break
        value = value * base + digit
        i += 1
    return i, value if i > start else -1


@lean_step
def put_utf8(page: Page, point: int) -> None:
    """Write a code point: control characters as spaces; what is none, and half a surrogate pair, as U+FFFD."""
    if point < 32 or 127 <= point < 160:
        point = 32
    if 0xD800 <= point < 0xE000 or point > _LAST:
        point = _REPLACEMENT
    if point < 0x80:
        put(page, point)
        return
    if point < 0x800:
        put(page, 0xC0 | point >> 6)
    elif point < 0x10000:
        put(page, 0xE0 | point >> 12)
        put(page, 0x80 | point >> 6 & 63)
    else:
        put(page, 0xF0 | point >> 18)
        put(page, 0x80 | point >> 12 & 63)
        put(page, 0x80 | point >> 6 & 63)
    put(page, 0x80 | point & 63)
