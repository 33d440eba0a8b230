"""HTML entities of a page (`&eacute;`, `&#233;`, `&#xE9;`), decoded to UTF-8."""

# numba infers types at the call. mypy rejects np.int64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return, assignment"
# ruff: noqa: PLR2004 - code points and bytes of Unicode

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.wikitext.ascii_bytes import (
    AMPERSAND,
    DIGIT_0,
    DIGIT_9,
    HASH,
    LOWER_A,
    LOWER_F,
    LOWER_X,
    SEMICOLON,
    SPACE,
    UPPER_X,
)
from metaclip_spark.core.wikitext.name_hashes import NO_NAME, fold_byte, hash_byte, index_of, is_letter_or_digit
from metaclip_spark.core.wikitext.page_state import IN, STEPS, Page, put
from metaclip_spark.host.kernel_cache import lean_step

if TYPE_CHECKING:
    from metaclip_spark.core.wikitext.markup_tables import MarkupTables

_REPLACEMENT = 0xFFFD
_MAX_CODE_POINT = 0x10FFFF
_MAX_NAME_BYTES = 32
_MAX_DIGITS = 8
_NOT_A_DIGIT = 99


@lean_step
def put_entity(page: Page, tables: MarkupTables) -> None:
    """Write the character of the entity at the cursor. An "&" that does not start an entity is text."""
    i = page.at[IN] + 1
    start = i
    point = -1
    if page.text[i] == HASH:
        i, point = _parse_number(page, i + 1)
    else:
        hashed = NO_NAME
        while i - start < _MAX_NAME_BYTES and is_letter_or_digit(page.text[i]):
            hashed = hash_byte(hashed, page.text[i])
            i += 1
        place = index_of(hashed, tables.entities)
        if place >= 0:
            point = np.int64(tables.code_points[place])
    page.at[STEPS] += i - start
    if point < 0 or page.text[i] != SEMICOLON:
        page.at[IN] = start
        put(page, AMPERSAND)
    else:
        page.at[IN] = i + 1
        _put_utf8(page, point)


@lean_step
def _parse_number(page: Page, i: int) -> tuple[int, int]:
    """Parse a decimal number, or a hexadecimal one after "x". Return its end and its value, -1 if it has no digit."""
    base = 16 if page.text[i] in (UPPER_X, LOWER_X) else 10
    i += 1 if base == 16 else 0
    start = i
    value = 0
    while i - start < _MAX_DIGITS:
        byte = np.int64(fold_byte(page.text[i]))
        digit = _NOT_A_DIGIT
        if DIGIT_0 <= byte <= DIGIT_9:
            digit = byte - DIGIT_0
        elif LOWER_A <= byte <= LOWER_F:
            digit = byte - LOWER_A + 10
        if digit >= base:
            break
        value = value * base + digit
        i += 1
    return i, value if i > start else -1


@lean_step
def _put_utf8(page: Page, point: int) -> None:
    """Write a code point: a control character as a space, an invalid number or a surrogate as U+FFFD."""
    if point < 32 or 127 <= point < 160:
        point = SPACE
    if 0xD800 <= point < 0xE000 or point > _MAX_CODE_POINT:
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
