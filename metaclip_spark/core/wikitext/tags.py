"""Tags and comments: some are passed with all that they hold, some alone; "<" before anything else is text."""

# numba types these functions by what they are called with; for mypy an np.uint64 is no int
# mypy: disable-error-code="arg-type, no-any-return, assignment"
# ruff: noqa: PLR2004, FBT001 - bytes of ASCII; compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.wikitext.entities import OFFSET, hash_byte, is_letter_or_digit, place_of, small
from metaclip_spark.core.wikitext.markup_tables import BREAKING, DROPPED, INLINE, NESTED, VERBATIM
from metaclip_spark.core.wikitext.state import (
    IN,
    NEW_LINE,
    NEXT_TAG_END,
    OUT,
    STEPS,
    TABLE_TAG,
    Page,
    drop_to,
    push,
    put,
    put_break,
)
from metaclip_spark.host.kernel_cache import lean_step

if TYPE_CHECKING:
    import numpy as np

    from metaclip_spark.core.wikitext.markup_tables import MarkupTables

LESS, GREATER, SLASH, DASH, BANG = 60, 62, 47, 45, 33
_LONGEST_NAME = 20


@lean_step
def pass_tag(page: Page, size: int, tables: MarkupTables) -> bool:
    """Pass the tag or comment here; whether a line begins behind it."""
    i = page.at[IN]
    if page.text[i + 1] == BANG and page.text[i + 2] == DASH and page.text[i + 3] == DASH:
        pass_comment(page, size)
        return page.at[OUT] == 0 or page.out[page.at[OUT] - 1] == NEW_LINE
    closing = page.text[i + 1] == SLASH
    after, name = name_at(page, i + 2 if closing else i + 1)
    place = place_of(name, tables.tags)
    end = -1
    if place >= 0:
        formats = tables.tag_kinds[place] in (INLINE, BREAKING)
        end = short_tag_end(page, after, size) if formats else tag_end(page, after, size)
    if end < 0:
        page.at[IN] = i + 1
        put(page, LESS)
        return False
    page.at[IN] = end + 1
    kind = tables.tag_kinds[place]
    if kind not in (INLINE, VERBATIM):
        put_break(page)
    opening = not closing and page.text[end - 1] != SLASH
    if opening and kind in (DROPPED, VERBATIM):
        pass_content(page, size, name, place, kind == VERBATIM)
    elif opening and kind == NESTED:
        push(page, TABLE_TAG)
    elif closing and kind == NESTED and page.open_of[TABLE_TAG] > 0:
        drop_to(page, TABLE_TAG)
    return kind == BREAKING


@lean_step
def name_at(page: Page, i: int) -> tuple[int, np.uint64]:
    """A tag's name: where it ends, and its hash."""
    start = i
    hashed = OFFSET
    while i - start < _LONGEST_NAME and is_letter_or_digit(page.text[i]):
        hashed = hash_byte(hashed, small(page.text[i]))
        i += 1
    page.at[STEPS] += i - start
    return i, hashed


@lean_step
def short_tag_end(page: Page, i: int, size: int) -> int:
    """Where the next ">" is, if no "<" comes before it; else -1: in "a<b", however much follows, is no tag.

    So MediaWiki takes tags of HTML. Those of its extensions, as <ref name="a<b">, go on to the next ">" (`tag_end`).
    """
    start = i
    while i < size and page.text[i] != GREATER and page.text[i] != LESS:
        i += 1
    page.at[STEPS] += i - start
    return i if i < size and page.text[i] == GREATER else -1


@lean_step
def tag_end(page: Page, i: int, size: int) -> int:
    """Where the next ">" is; -1 if there is none. What was found is remembered: each byte is looked at once."""
    if page.at[NEXT_TAG_END] < i:
        start = i
        while i < size and page.text[i] != GREATER:
            i += 1
        page.at[STEPS] += i - start
        page.at[NEXT_TAG_END] = i
    return page.at[NEXT_TAG_END] if page.at[NEXT_TAG_END] < size else -1


@lean_step
def pass_content(page: Page, size: int, name: np.uint64, place: int, verbatim: bool) -> None:
    """Pass everything up to the closing tag, if there is one; copy it, if it is verbatim."""
    if page.unclosed[place]:
        return
    start = page.at[IN]
    i = start
    while i < size:
        page.at[STEPS] += 1
        if page.text[i] == LESS and page.text[i + 1] == SLASH:
            after, found = name_at(page, i + 2)
            end = tag_end(page, after, size) if found == name else -1
            if end >= 0:
                if verbatim:
                    for j in range(start, i):
                        put(page, page.text[j] if page.text[j] >= 32 else NEW_LINE)
                page.at[IN] = end + 1
                return
        i += 1
    page.unclosed[place] = 1


@lean_step
def pass_comment(page: Page, size: int) -> None:
    """Pass a comment; one that never ends takes the rest of the page with it, as in MediaWiki."""
    i = page.at[IN] + 4
    start = i
    while i < size and not (page.text[i] == DASH and page.text[i + 1] == DASH and page.text[i + 2] == GREATER):
        i += 1
    page.at[STEPS] += i - start
    page.at[IN] = min(i + 3, size)
