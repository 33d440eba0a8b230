"""Kernel that removes the markup of a page in one pass, in time proportional to its bytes."""

# numba infers types at the call. mypy rejects np.int64 for a declared int.
# mypy: disable-error-code="arg-type, no-any-return"

from __future__ import annotations

from metaclip_spark.core.wikitext.ascii_bytes import (
    APOSTROPHE,
    CLOSE_BRACE,
    COLON,
    DASH,
    EQUALS,
    HASH,
    NEW_LINE,
    OPEN_BRACE,
    PIPE,
    SEMICOLON,
    SLASH,
    SPACE,
    STAR,
    UNDERSCORE,
    UPPER_A,
    UPPER_Z,
)
from metaclip_spark.core.wikitext.entities import put_entity
from metaclip_spark.core.wikitext.links import close_link, drop_address, open_link, pass_pipe
from metaclip_spark.core.wikitext.markup_tables import (
    ADDRESS,
    BRACES_CLOSE,
    BRACES_OPEN,
    CONTROL,
    EMPHASIS,
    ENTITY,
    LINE_END,
    LINK_CLOSE,
    LINK_OPEN,
    PLAIN,
    SEPARATOR,
    SWITCH,
    TAG,
    VARIANT_OPEN,
    MarkupTables,
)
from metaclip_spark.core.wikitext.page_state import (
    EXTERNAL,
    HEADING,
    IN,
    LINE,
    OUT,
    STEPS,
    TABLE,
    TEMPLATE,
    VARIANT,
    Page,
    drop_to,
    opened_at,
    pop,
    push,
    put,
    top,
)
from metaclip_spark.core.wikitext.tags import pass_tag
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_kernel, lean_step

_MAX_SWITCH_BYTES = 40
_RULE_DASHES = 4


@lean_kernel
def strip_markup(page: Page, size: int, tables: MarkupTables) -> int:
    """Write the plain text of a page into its `out`, and the number of steps into at[STEPS].

    Args:
        page: New page; `at`, `open_of` and `unclosed` are zero.
        size: Number of bytes of the text without its padding. Kernels read ahead up to a zero byte or PADDING bytes.
        tables: Tables of the wiki.

    Returns:
        Length of the output.
    """
    _start_line(page)
    while page.at[IN] < size:
        kind = tables.kind[page.text[page.at[IN]]]
        page.at[STEPS] += 1
        if kind == PLAIN:
            _copy_plain(page, tables)
        elif kind == LINE_END:
            _end_line(page)
        elif kind == TAG:
            if pass_tag(page, size, tables):
                _start_line(page)
        elif kind <= BRACES_CLOSE:
            _pass_braces(page, kind)
        elif kind <= SEPARATOR:
            _pass_link(page, kind, tables)
        elif kind == ENTITY:
            put_entity(page, tables)
        elif kind == EMPHASIS:
            _pass_apostrophes(page)
        else:
            _pass_rare(page, kind)
    _end_heading(page)
    return page.at[OUT]


@lean_step
def _pass_braces(page: Page, kind: int) -> None:
    if kind == BRACES_OPEN:
        _open_braces(page)
    else:
        _close_braces(page)


@lean_step
def _pass_link(page: Page, kind: int, tables: MarkupTables) -> None:
    if kind == LINK_OPEN:
        open_link(page, tables)
    elif kind == LINK_CLOSE:
        close_link(page)
    else:
        pass_pipe(page)


@inlined_lean_step
def _copy_plain(page: Page, tables: MarkupTables) -> None:
    """Copy bytes up to the next special one. The padding ends the copy, because zero bytes are special."""
    i, out = page.at[IN], page.at[OUT]
    while tables.kind[page.text[i]] == PLAIN:
        page.out[out] = page.text[i]
        i += 1
        out += 1
    page.at[STEPS] += i - page.at[IN]
    page.at[IN], page.at[OUT] = i, out


@lean_step
def _run_length(page: Page, byte: int) -> int:
    """Return how many times a byte is repeated at the cursor."""
    i = page.at[IN]
    while page.text[i] == byte:
        i += 1
    page.at[STEPS] += i - page.at[IN]
    return i - page.at[IN]


@lean_step
def _end_heading(page: Page) -> None:
    """Remove the equals signs at the end of a heading from the output."""
    if page.at[HEADING]:
        out = page.at[OUT]
        limit = max(page.at[LINE], opened_at(page))
        while out > limit and (page.out[out - 1] == EQUALS or page.out[out - 1] == SPACE):
            out -= 1
        page.at[STEPS] += page.at[OUT] - out
        page.at[OUT] = out


@lean_step
def _end_line(page: Page) -> None:
    """End a line, which also ends a heading and external links, and start the next one."""
    _end_heading(page)
    while top(page) == EXTERNAL:
        pop(page)
    put(page, NEW_LINE)
    page.at[IN] += 1
    _start_line(page)


@lean_step
def _start_line(page: Page) -> None:
    """Process markup that has a meaning only at the start of a line: tables, headings, lists and rules."""
    page.at[HEADING] = 0
    i = page.at[IN]
    while page.text[i] == SPACE or page.text[i] == COLON:
        i += 1
    page.at[STEPS] += i - page.at[IN]
    if page.text[i] == OPEN_BRACE and page.text[i + 1] == PIPE:
        page.at[IN] = i + 2
        push(page, TABLE)
        return
    if page.text[i] == PIPE and page.text[i + 1] == CLOSE_BRACE and page.open_of[TABLE] > 0:
        if top(page) != TEMPLATE:
            page.at[IN] = i + 2
            drop_to(page, TABLE)
        return
    first = page.text[page.at[IN]]
    if first == EQUALS:
        page.at[IN] += _run_length(page, EQUALS)
        page.at[HEADING] = 1
        page.at[LINE] = page.at[OUT]
    elif first in (STAR, HASH, COLON, SEMICOLON):
        while page.text[page.at[IN]] in (STAR, HASH, COLON, SEMICOLON):
            page.at[IN] += 1
            page.at[STEPS] += 1
    elif first == DASH and _run_length(page, DASH) >= _RULE_DASHES:
        page.at[IN] += _run_length(page, DASH)


@lean_step
def _open_braces(page: Page) -> None:
    """Open a template for each pair of braces. A single brace is text."""
    run = _run_length(page, OPEN_BRACE)
    page.at[IN] += run
    if run == 1:
        put(page, OPEN_BRACE)
    for _ in range(run // 2):
        push(page, TEMPLATE)


@lean_step
def _close_braces(page: Page) -> None:
    """Close a template for each pair of braces, with all constructs left open in it.

    A single brace is text, unless it closes a language variant.
    """
    if page.text[page.at[IN] + 1] == DASH and top(page) == VARIANT:
        page.at[IN] += 2
        drop_to(page, VARIANT)
        return
    run = _run_length(page, CLOSE_BRACE)
    page.at[IN] += run
    pairs = min(run // 2, page.open_of[TEMPLATE])
    if pairs == 0:
        put(page, CLOSE_BRACE)
    for _ in range(pairs):
        drop_to(page, TEMPLATE)


@lean_step
def _pass_apostrophes(page: Page) -> None:
    """Remove two or more apostrophes, which mean bold or italics. A single apostrophe is text."""
    run = _run_length(page, APOSTROPHE)
    page.at[IN] += run
    if run == 1:
        put(page, APOSTROPHE)


@lean_step
def _pass_rare(page: Page, kind: int) -> None:
    """Process web addresses, switches (__NOTOC__), language variants (-{zh-hans:…}-) and control characters."""
    i = page.at[IN]
    byte = page.text[i]
    if kind == ADDRESS and page.text[i + 1] == SLASH and page.text[i + 2] == SLASH:
        drop_address(page)
        return
    page.at[IN] += 1
    if kind == VARIANT_OPEN and page.text[i + 1] == OPEN_BRACE and page.text[i + 2] != OPEN_BRACE:
        page.at[IN] += 1
        push(page, VARIANT)
    elif kind == SWITCH and page.text[i + 1] == UNDERSCORE:
        _pass_switch(page)
    else:
        put(page, SPACE if kind == CONTROL else byte)


@lean_step
def _pass_switch(page: Page) -> None:
    """Drop `__WORD__`. Other text that starts with two underscores is kept. The cursor is at the second underscore."""
    start = page.at[IN] + 1
    i = start
    while i - start < _MAX_SWITCH_BYTES and UPPER_A <= page.text[i] <= UPPER_Z:
        i += 1
    page.at[STEPS] += i - start
    if i > start and page.text[i] == UNDERSCORE and page.text[i + 1] == UNDERSCORE:
        page.at[IN] = i + 2
    else:
        put(page, UNDERSCORE)
