"""State while the markup of one page is removed: a cursor, the output, and a stack of the constructs that are open.

Content that will be dropped is first written like all other text. When its construct ends, the output is cut back to
the length that it had when the construct was opened. So the number of times that a byte is read is bounded, however
constructs are nested, and whether or not they are closed.
"""

# numba infers types at the call. mypy rejects np.int64 for a declared int.
# mypy: disable-error-code="no-any-return, return-value"

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.core.wikitext.ascii_bytes import NEW_LINE
from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING: Final = 64
"""Zero bytes after the text of a page. The kernels read that far ahead without checking for the end of the text."""

IN, OUT, DEPTH, HEADING, LINE, NEXT_TAG_END, STEPS = range(7)
"""Fields of `Page.at`: position of the cursor; length of the output; number of open constructs; whether this line is a
heading; length of the output at its start; end of the tag that was found last; number of steps (bytes read and
constructs opened or closed), which tests compare with the length of the page."""
FIELDS: Final = 7

TEMPLATE, TABLE, LINK, SHOWN_LINK, HIDDEN_LINK, EXTERNAL, VARIANT, TABLE_TAG = range(8)
"""Kinds of constructs. A LINK becomes a SHOWN_LINK at its pipe. A HIDDEN_LINK (file, category, other language) is
dropped completely."""
CONSTRUCTS: Final = 8


class Page(NamedTuple):
    """A page while its markup is removed.

    Attributes:
        text: Wikitext followed by PADDING zeros, uint8.
        out: Output, uint8; half as long again as the text, which is enough for the longest expansion of an entity.
        kinds: Stack of open constructs: their kinds, uint8.
        starts: Stack of open constructs: length of the output when each was opened, int64.
        open_of: Number of open constructs of each kind, int64, shape (CONSTRUCTS,).
        unclosed: Whether no closing tag of a name follows, uint8, one per tag name.
        at: Cursor and counters, int64, shape (FIELDS,).
    """

    text: NDArray[np.uint8]
    out: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    starts: NDArray[np.int64]
    open_of: NDArray[np.int64]
    unclosed: NDArray[np.uint8]
    at: NDArray[np.int64]


@inlined_lean_step
def put(page: Page, byte: int) -> None:
    """Append one byte to the output."""
    page.out[page.at[OUT]] = byte
    page.at[OUT] += 1


@lean_step
def put_break(page: Page) -> None:
    """Append a line break, unless there is one, so that the words before and after it are not neighbours."""
    out = page.at[OUT]
    if out == 0 or page.out[out - 1] != NEW_LINE:
        put(page, NEW_LINE)


@lean_step
def push(page: Page, kind: int) -> None:
    """Open a construct at the cursor.

    Bounds: each construct is opened by at least two bytes of text, and the stack has room for half of the text.
    """
    depth = page.at[DEPTH]
    page.kinds[depth] = kind
    page.starts[depth] = page.at[OUT]
    page.open_of[kind] += 1
    page.at[DEPTH] = depth + 1


@lean_step
def pop(page: Page) -> int:
    """Close the innermost construct and keep its output. Return the length of the output when it was opened."""
    page.at[DEPTH] -= 1
    page.at[STEPS] += 1
    page.open_of[page.kinds[page.at[DEPTH]]] -= 1
    return page.starts[page.at[DEPTH]]


@inlined_lean_step
def top(page: Page) -> int:
    """Return the kind of the innermost construct, or -1 if none is open."""
    depth = page.at[DEPTH]
    return np.int64(page.kinds[depth - 1]) if depth > 0 else np.int64(-1)


@inlined_lean_step
def opened_at(page: Page) -> int:
    """Return the length of the output when the innermost construct was opened.

    The output must not be cut back further: closing the construct would then restore bytes that were removed.
    """
    depth = page.at[DEPTH]
    return page.starts[depth - 1] if depth > 0 else np.int64(0)


@lean_step
def drop_to(page: Page, kind: int) -> None:
    """Close the innermost construct of a kind, which must be open, and drop its output with everything inside it."""
    while top(page) != kind:
        pop(page)
    page.at[OUT] = pop(page)
    put_break(page)
