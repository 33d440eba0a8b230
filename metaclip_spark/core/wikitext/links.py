"""Links: of `[[target|text]]` the text stays, of files and categories nothing, of `[address text]` the text."""

# numba types these functions by what they are called with
# mypy: disable-error-code="arg-type, no-any-return"
# ruff: noqa: PLR2004 - bytes of ASCII

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.wikitext.entities import OFFSET, hash_byte, place_of, small
from metaclip_spark.core.wikitext.state import (
    DEPTH,
    EXTERNAL,
    HIDDEN_LINK,
    IN,
    LINK,
    OUT,
    PADDING,
    SHOWN_LINK,
    STEPS,
    Page,
    opened_at,
    pop,
    push,
    put,
    put_break,
    top,
)
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_step

if TYPE_CHECKING:
    from metaclip_spark.core.wikitext.markup_tables import MarkupTables

SPACE, DASH, SLASH, COLON, OPEN, CLOSE, BAR, BRACE = 32, 45, 47, 58, 91, 93, 124, 123
_LONGEST_SCHEME = 10


@lean_step
def open_link(page: Page, tables: MarkupTables) -> None:
    """Two brackets open a link, one before an address opens an external one, any other is text."""
    i = page.at[IN]
    if page.text[i + 1] == OPEN:
        kind = link_kind(page, i + 2, tables)
        push(page, kind)
        page.at[IN] = i + 3 if page.text[i + 2] == COLON else i + 2  # [[:Category:A]] is shown
        return
    address = address_at(page, i + 1)
    if address:
        push(page, EXTERNAL)
        page.at[IN] = after_address(page, address)
    else:
        page.at[IN] = i + 1
        put(page, OPEN)


@lean_step
def link_kind(page: Page, i: int, tables: MarkupTables) -> int:
    """Whether a link's target is shown, told by the prefix before its first colon."""
    while page.text[i] == SPACE:
        i += 1
        page.at[STEPS] += 1
    start = i
    hashed = OFFSET
    letters = 0  # small ones, before a dash if there is one
    is_code = True
    while i - start < PADDING:
        byte = page.text[i]
        if byte == COLON or byte < SPACE or byte in (OPEN, CLOSE, BAR, BRACE):
            break
        hashed = hash_byte(hashed, small(byte))
        if 97 <= byte <= 122:
            letters += 1
        elif byte == DASH and (letters < 0 or 2 <= letters <= 3):
            letters = -PADDING  # whatever follows a dash, as in zh-min-nan
        else:
            is_code = False
        i += 1
    page.at[STEPS] += i - start
    if page.text[i] != COLON or i == start:
        return LINK
    if place_of(hashed, tables.hidden) >= 0:
        return HIDDEN_LINK
    is_language = is_code and (letters in (2, 3) or letters < 0) and place_of(hashed, tables.no_languages) < 0
    return HIDDEN_LINK if is_language else LINK


@lean_step
def pipe(page: Page) -> None:
    """The first pipe of a link ends its target, which is taken back; elsewhere it keeps words apart."""
    page.at[IN] += 1
    if top(page) == LINK:
        depth = page.at[DEPTH]
        page.at[OUT] = page.starts[depth - 1]
        page.kinds[depth - 1] = SHOWN_LINK
        page.open_of[LINK] -= 1
        page.open_of[SHOWN_LINK] += 1
    else:
        put_break(page)


@lean_step
def close_link(page: Page) -> None:
    """Close what was opened last, if it is a link; a bracket that closes nothing is text."""
    i = page.at[IN]
    kind = top(page)
    page.at[IN] = i + 1
    if kind == EXTERNAL:
        pop(page)
    elif page.text[i + 1] == CLOSE and kind in (LINK, SHOWN_LINK, HIDDEN_LINK):
        page.at[IN] = i + 2
        start = pop(page)
        if kind == HIDDEN_LINK:
            page.at[OUT] = start
            put_break(page)
    else:
        put(page, CLOSE)


@lean_step
def address_at(page: Page, i: int) -> int:
    """Where a web address that begins here has its slashes; 0 if none begins here."""
    start = i
    while i - start < _LONGEST_SCHEME and 97 <= small(page.text[i]) <= 122:
        i += 1
    page.at[STEPS] += i - start
    if i > start:
        if page.text[i] != COLON:
            return 0
        i += 1
    return i if page.text[i] == SLASH and page.text[i + 1] == SLASH else 0


@inlined_lean_step
def ends_address(byte: int) -> bool:
    r"""Blanks, quotes, brackets and markup: "\"<>[]{|}" and all below them."""
    return byte <= SPACE or byte in (34, 60, 62, OPEN, CLOSE, BRACE, BAR, 125)


@lean_step
def after_address(page: Page, i: int) -> int:
    """Where a web address ends."""
    start = i
    while not ends_address(page.text[i]):
        i += 1
    page.at[STEPS] += i - start
    return i


@lean_step
def skip_url(page: Page) -> None:
    """Pass an address in the text, the cursor at its "://"; what was written of its scheme is taken back."""
    out = page.at[OUT]
    start = out
    least = opened_at(page)
    while out > least and start - out < _LONGEST_SCHEME and 97 <= small(page.out[out - 1]) <= 122:
        out -= 1
    page.at[STEPS] += start - out
    page.at[OUT] = out
    page.at[IN] = after_address(page, page.at[IN] + 1)
    put_break(page)
