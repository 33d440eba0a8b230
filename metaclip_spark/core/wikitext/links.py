"""Links: the text of `[[target|text]]` and of `[address text]` is kept; links to files and categories are dropped."""

# numba infers types at the call. mypy rejects np.int64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return"

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.wikitext.ascii_bytes import (
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COLON,
    DASH,
    GREATER,
    LESS,
    LOWER_A,
    LOWER_Z,
    OPEN_BRACE,
    OPEN_BRACKET,
    PIPE,
    QUOTE,
    SLASH,
    SPACE,
)
from metaclip_spark.core.wikitext.name_hashes import NO_NAME, fold_byte, hash_byte, index_of
from metaclip_spark.core.wikitext.page_state import (
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

_MAX_SCHEME_BYTES = 10


@lean_step
def open_link(page: Page, tables: MarkupTables) -> None:
    """Open a link at two brackets, or an external link at a bracket before an address. Another bracket is text."""
    i = page.at[IN]
    if page.text[i + 1] == OPEN_BRACKET:
        kind = _link_kind(page, i + 2, tables)
        push(page, kind)
        page.at[IN] = i + 3 if page.text[i + 2] == COLON else i + 2  # [[:Category:A]] is shown
        return
    address = _find_address(page, i + 1)
    if address:
        push(page, EXTERNAL)
        page.at[IN] = _address_end(page, address)
    else:
        page.at[IN] = i + 1
        put(page, OPEN_BRACKET)


@lean_step
def _link_kind(page: Page, i: int, tables: MarkupTables) -> int:
    """Return LINK or HIDDEN_LINK, depending on the prefix before the first colon of a link's target."""
    while page.text[i] == SPACE:
        i += 1
        page.at[STEPS] += 1
    start = i
    hashed = NO_NAME
    letters = 0  # lower-case letters before the first dash; negative after it
    is_code = True
    while i - start < PADDING:
        byte = page.text[i]
        if byte == COLON or byte < SPACE or byte in (OPEN_BRACKET, CLOSE_BRACKET, PIPE, OPEN_BRACE):
            break
        hashed = hash_byte(hashed, fold_byte(byte))
        if LOWER_A <= byte <= LOWER_Z:
            letters += 1
        elif byte == DASH and (letters < 0 or 2 <= letters <= 3):  # noqa: PLR2004 - letters of a language code
            letters = -PADDING  # any number of letters may follow a dash, as in zh-min-nan
        else:
            is_code = False
        i += 1
    page.at[STEPS] += i - start
    if page.text[i] != COLON or i == start:
        return LINK
    if index_of(hashed, tables.hidden) >= 0:
        return HIDDEN_LINK
    is_language = is_code and (letters in (2, 3) or letters < 0) and index_of(hashed, tables.no_languages) < 0
    return HIDDEN_LINK if is_language else LINK


@lean_step
def pass_pipe(page: Page) -> None:
    """Drop the target of a link at its first pipe. Any other pipe becomes a break between words."""
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
    """Close the innermost construct if it is a link. A bracket that closes nothing is text."""
    i = page.at[IN]
    kind = top(page)
    page.at[IN] = i + 1
    if kind == EXTERNAL:
        pop(page)
    elif page.text[i + 1] == CLOSE_BRACKET and kind in (LINK, SHOWN_LINK, HIDDEN_LINK):
        page.at[IN] = i + 2
        start = pop(page)
        if kind == HIDDEN_LINK:
            page.at[OUT] = start
            put_break(page)
    else:
        put(page, CLOSE_BRACKET)


@lean_step
def _find_address(page: Page, i: int) -> int:
    """Return the position of the slashes of a web address that starts here, or 0 if none does."""
    start = i
    while i - start < _MAX_SCHEME_BYTES and LOWER_A <= fold_byte(page.text[i]) <= LOWER_Z:
        i += 1
    page.at[STEPS] += i - start
    if i > start:
        if page.text[i] != COLON:
            return 0
        i += 1
    return i if page.text[i] == SLASH and page.text[i + 1] == SLASH else 0


@inlined_lean_step
def _ends_address(byte: int) -> bool:
    """Return whether a byte ends a web address: a blank, control character, quote, bracket or markup character."""
    return byte <= SPACE or byte in (
        QUOTE,
        LESS,
        GREATER,
        OPEN_BRACKET,
        CLOSE_BRACKET,
        OPEN_BRACE,
        PIPE,
        CLOSE_BRACE,
    )


@lean_step
def _address_end(page: Page, i: int) -> int:
    """Return the end of the web address that contains position i."""
    start = i
    while not _ends_address(page.text[i]):
        i += 1
    page.at[STEPS] += i - start
    return i


@lean_step
def drop_address(page: Page) -> None:
    """Drop a web address in the text. The cursor is at its "://", and its scheme is removed from the output."""
    out = page.at[OUT]
    start = out
    limit = opened_at(page)
    while out > limit and start - out < _MAX_SCHEME_BYTES and LOWER_A <= fold_byte(page.out[out - 1]) <= LOWER_Z:
        out -= 1
    page.at[STEPS] += start - out
    page.at[OUT] = out
    page.at[IN] = _address_end(page, page.at[IN] + 1)
    put_break(page)
