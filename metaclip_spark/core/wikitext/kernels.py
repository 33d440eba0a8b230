"""Wikitext to plain text in one pass over the bytes, in time that grows with their number and nothing else."""

# numba types these functions by what they are called with; for mypy an np.int64 is no int
# mypy: disable-error-code="arg-type, no-any-return"

from __future__ import annotations

from metaclip_spark.core.wikitext.entities import put_entity
from metaclip_spark.core.wikitext.links import close_link, open_link, pipe, skip_url
from metaclip_spark.core.wikitext.markup_tables import (
    BRACE_CLOSE,
    BRACE_OPEN,
    COLON,
    CONTROL,
    DASH,
    ENTITY,
    LINE_END,
    LINK_CLOSE,
    LINK_OPEN,
    PIPE,
    PLAIN,
    QUOTE,
    TAG,
    UNDERSCORE,
    MarkupTables,
)
from metaclip_spark.core.wikitext.state import (
    EXTERNAL,
    HEADING,
    IN,
    LINE,
    NEW_LINE,
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

SPACE, QUOTE_MARK, STAR, DASH_MARK, COLON_MARK, SEMICOLON, HASH, EQUALS = 32, 39, 42, 45, 58, 59, 35, 61
OPEN, BAR, CLOSE, LOW_LINE = 123, 124, 125, 95
_LONGEST_SWITCH = 40


@lean_kernel
def strip(page: Page, size: int, tables: MarkupTables) -> int:
    """Write the plain text of a page into its `out`; how long it is stands in `at[OUT]`, the work done in `at[STEPS]`.

    Args:
        page: fresh: all of `at`, `open_of` and `unclosed` zero.
        size: bytes of the text, padding left out. Every look ahead ends at a zero byte or after PADDING bytes.
        tables: of the wiki.

    Returns:
        length of the output.
    """
    begin_line(page)
    while page.at[IN] < size:
        kind = tables.kind[page.text[page.at[IN]]]
        page.at[STEPS] += 1
        if kind == PLAIN:
            copy_run(page, tables)
        elif kind == LINE_END:
            end_line(page)
        elif kind == TAG:
            if pass_tag(page, size, tables):
                begin_line(page)
        elif kind <= BRACE_CLOSE:
            pass_braces(page, kind)
        elif kind <= PIPE:
            pass_link(page, kind, tables)
        elif kind == ENTITY:
            put_entity(page, tables)
        elif kind == QUOTE:
            pass_quotes(page)
        else:
            pass_rare(page, kind)
    end_heading(page)
    return page.at[OUT]


@lean_step
def pass_braces(page: Page, kind: int) -> None:
    """Templates and what looks like them."""
    if kind == BRACE_OPEN:
        open_braces(page)
    else:
        close_braces(page)


@lean_step
def pass_link(page: Page, kind: int, tables: MarkupTables) -> None:
    """Brackets and pipes."""
    if kind == LINK_OPEN:
        open_link(page, tables)
    elif kind == LINK_CLOSE:
        close_link(page)
    else:
        pipe(page)


@inlined_lean_step
def copy_run(page: Page, tables: MarkupTables) -> None:
    """Copy bytes up to the next special one; the padding is special."""
    i, out = page.at[IN], page.at[OUT]
    while tables.kind[page.text[i]] == PLAIN:
        page.out[out] = page.text[i]
        i += 1
        out += 1
    page.at[STEPS] += i - page.at[IN]
    page.at[IN], page.at[OUT] = i, out


@lean_step
def run_length(page: Page, byte: int) -> int:
    """How often a byte stands here in a row."""
    i = page.at[IN]
    while page.text[i] == byte:
        i += 1
    page.at[STEPS] += i - page.at[IN]
    return i - page.at[IN]


@lean_step
def end_heading(page: Page) -> None:
    """Take back the equals signs that end a heading."""
    if page.at[HEADING]:
        out = page.at[OUT]
        least = max(page.at[LINE], opened_at(page))
        while out > least and (page.out[out - 1] == EQUALS or page.out[out - 1] == SPACE):
            out -= 1
        page.at[STEPS] += page.at[OUT] - out
        page.at[OUT] = out


@lean_step
def end_line(page: Page) -> None:
    """A line ends, with it a heading and the brackets of a web address; the next one begins."""
    end_heading(page)
    while top(page) == EXTERNAL:
        pop(page)
    put(page, NEW_LINE)
    page.at[IN] += 1
    begin_line(page)


@lean_step
def begin_line(page: Page) -> None:
    """Pass what has its meaning at the beginning of a line: tables, headings, lists, rules."""
    page.at[HEADING] = 0
    i = page.at[IN]
    while page.text[i] == SPACE or page.text[i] == COLON_MARK:
        i += 1
    page.at[STEPS] += i - page.at[IN]
    if page.text[i] == OPEN and page.text[i + 1] == BAR:
        page.at[IN] = i + 2
        push(page, TABLE)
        return
    if page.text[i] == BAR and page.text[i + 1] == CLOSE and page.open_of[TABLE] > 0:
        if top(page) != TEMPLATE:
            page.at[IN] = i + 2
            drop_to(page, TABLE)
        return
    first = page.text[page.at[IN]]
    if first == EQUALS:
        page.at[IN] += run_length(page, EQUALS)
        page.at[HEADING] = 1
        page.at[LINE] = page.at[OUT]
    elif first in (STAR, HASH, COLON_MARK, SEMICOLON):
        while page.text[page.at[IN]] in (STAR, HASH, COLON_MARK, SEMICOLON):
            page.at[IN] += 1
            page.at[STEPS] += 1
    elif first == DASH_MARK and run_length(page, DASH_MARK) >= 4:  # noqa: PLR2004 - a rule is four dashes or more
        page.at[IN] += run_length(page, DASH_MARK)


@lean_step
def open_braces(page: Page) -> None:
    """Braces by twos open templates; a single one is text."""
    run = run_length(page, OPEN)
    page.at[IN] += run
    if run == 1:
        put(page, OPEN)
    for _ in range(run // 2):
        push(page, TEMPLATE)


@lean_step
def close_braces(page: Page) -> None:
    """Braces by twos close templates, whatever was left open in them; a single one is text, or ends a variant."""
    if page.text[page.at[IN] + 1] == DASH_MARK and top(page) == VARIANT:
        page.at[IN] += 2
        drop_to(page, VARIANT)
        return
    run = run_length(page, CLOSE)
    page.at[IN] += run
    pairs = min(run // 2, page.open_of[TEMPLATE])
    if pairs == 0:
        put(page, CLOSE)
    for _ in range(pairs):
        drop_to(page, TEMPLATE)


@lean_step
def pass_quotes(page: Page) -> None:
    """Two and more apostrophes are bold or italics."""
    run = run_length(page, QUOTE_MARK)
    page.at[IN] += run
    if run == 1:
        put(page, QUOTE_MARK)


@lean_step
def pass_rare(page: Page, kind: int) -> None:
    """Web addresses, switches such as __NOTOC__, variants of a language (-{zh-hans:…}-), control characters."""
    i = page.at[IN]
    byte = page.text[i]
    if kind == COLON and page.text[i + 1] == 47 and page.text[i + 2] == 47:  # noqa: PLR2004 - "://"
        skip_url(page)
        return
    page.at[IN] += 1
    if kind == DASH and page.text[i + 1] == OPEN and page.text[i + 2] != OPEN:
        page.at[IN] += 1
        push(page, VARIANT)
    elif kind == UNDERSCORE and page.text[i + 1] == LOW_LINE:
        put_switch(page)
    else:
        put(page, SPACE if kind == CONTROL else byte)


@lean_step
def put_switch(page: Page) -> None:
    """Pass `__WORD__`; anything else that begins with two low lines is text. The first of them has been passed."""
    start = page.at[IN] + 1
    i = start
    while i - start < _LONGEST_SWITCH and 65 <= page.text[i] <= 90:  # noqa: PLR2004 - A to Z
        i += 1
    page.at[STEPS] += i - start
    if i > start and page.text[i] == LOW_LINE and page.text[i + 1] == LOW_LINE:
        page.at[IN] = i + 2
    else:
        put(page, LOW_LINE)
