"""Tags and comments: some are dropped with their content, others alone. Any other "<" is text."""

# numba infers types at the call. mypy rejects np.uint64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return, assignment"
# ruff: noqa: FBT001 - compiled functions are called by position

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.wikitext.ascii_bytes import DASH, EXCLAMATION, GREATER, LESS, NEW_LINE, SLASH, SPACE
from metaclip_spark.core.wikitext.markup_tables import BREAKING, DROPPED, INLINE, NESTED, VERBATIM
from metaclip_spark.core.wikitext.name_hashes import NO_NAME, fold_byte, hash_byte, index_of, is_letter_or_digit
from metaclip_spark.core.wikitext.page_state import (
    IN,
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

_MAX_NAME_BYTES = 20


@lean_step
def pass_tag(page: Page, size: int, tables: MarkupTables) -> bool:
    """Process the tag or comment at the cursor. Return whether a new line starts after it."""
    i = page.at[IN]
    if page.text[i + 1] == EXCLAMATION and page.text[i + 2] == DASH and page.text[i + 3] == DASH:
        _drop_comment(page, size)
        return page.at[OUT] == 0 or page.out[page.at[OUT] - 1] == NEW_LINE
    closing = page.text[i + 1] == SLASH
    after, name = _read_name(page, i + 2 if closing else i + 1)
    place = index_of(name, tables.tags)
    end = -1
    if place >= 0:
        is_html = tables.tag_kinds[place] in (INLINE, BREAKING)
        end = _html_tag_end(page, after, size) if is_html else _extension_tag_end(page, after, size)
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
        _pass_content(page, size, name, place, kind == VERBATIM)
    elif opening and kind == NESTED:
        push(page, TABLE_TAG)
    elif closing and kind == NESTED and page.open_of[TABLE_TAG] > 0:
        drop_to(page, TABLE_TAG)
    return kind == BREAKING


@lean_step
def _read_name(page: Page, i: int) -> tuple[int, np.uint64]:
    """Return the end and the hash of the tag name that starts here."""
    start = i
    hashed = NO_NAME
    while i - start < _MAX_NAME_BYTES and is_letter_or_digit(page.text[i]):
        hashed = hash_byte(hashed, fold_byte(page.text[i]))
        i += 1
    page.at[STEPS] += i - start
    return i, hashed


@lean_step
def _html_tag_end(page: Page, i: int, size: int) -> int:
    """Return the position of the next ">", or -1 if a "<" comes first. The "<b" in "a<b and c<d>" is not a tag.

    This is how MediaWiki reads HTML tags. Tags of its extensions, such as <ref name="a<b">, extend to the next ">".
    """
    start = i
    while i < size and page.text[i] != GREATER and page.text[i] != LESS:
        i += 1
    page.at[STEPS] += i - start
    return i if i < size and page.text[i] == GREATER else -1


@lean_step
def _extension_tag_end(page: Page, i: int, size: int) -> int:
    """Return the position of the next ">", or -1 if there is none. It is stored, so each byte is read once."""
    if page.at[NEXT_TAG_END] < i:
        start = i
        while i < size and page.text[i] != GREATER:
            i += 1
        page.at[STEPS] += i - start
        page.at[NEXT_TAG_END] = i
    return page.at[NEXT_TAG_END] if page.at[NEXT_TAG_END] < size else -1


@lean_step
def _pass_content(page: Page, size: int, name: np.uint64, place: int, verbatim: bool) -> None:
    """Move the cursor past the closing tag, if there is one, and copy the content if it is verbatim."""
    if page.unclosed[place]:
        return
    start = page.at[IN]
    i = start
    while i < size:
        page.at[STEPS] += 1
        if page.text[i] == LESS and page.text[i + 1] == SLASH:
            after, found = _read_name(page, i + 2)
            end = _extension_tag_end(page, after, size) if found == name else -1
            if end >= 0:
                if verbatim:
                    for j in range(start, i):
                        put(page, page.text[j] if page.text[j] >= SPACE else NEW_LINE)
                page.at[IN] = end + 1
                return
        i += 1
    page.unclosed[place] = 1


@lean_step
def _drop_comment(page: Page, size: int) -> None:
    """Move the cursor past a comment. A comment that never ends extends to the end of the page, as in MediaWiki."""
    i = page.at[IN] + 4
    start = i
    while i < size and not (page.text[i] == DASH and page.text[i + 1] == DASH and page.text[i + 2] == GREATER):
        i += 1
    page.at[STEPS] += i - start
    page.at[IN] = min(i + 3, size)
