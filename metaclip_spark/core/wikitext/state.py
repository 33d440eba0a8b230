"""The state of stripping one page: a cursor, the text kept so far, and a stack of what is open.

What is dropped is first written like everything else and taken back when it ends: its opening remembers how long the
output was. So every byte is looked at a bounded number of times, whatever is nested in what, closed or not.
"""

# numba types these functions by what they are called with; for mypy an np.int64 is no int
# mypy: disable-error-code="no-any-return, return-value"

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from metaclip_spark.host.kernel_cache import inlined_lean_step, lean_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING: Final = 64
"""Zero bytes behind a page's text: how far the kernel looks ahead without asking where the end is."""

IN, OUT, DEPTH, HEADING, LINE, NEXT_TAG_END, STEPS = range(7)
"""Places in `Page.at`: next byte, length of the output, open things; whether this line is a heading and where its
output began; the end of a tag that was found last; bytes looked at."""
FIELDS: Final = 7

TEMPLATE, TABLE, LINK, SHOWN_LINK, HIDDEN_LINK, EXTERNAL, VARIANT, TABLE_TAG = range(8)
"""What can be open. A SHOWN_LINK has had its pipe; of a HIDDEN_LINK (file, category, other language) nothing stays."""
OPENINGS: Final = 8

NEW_LINE: Final = 10


class Page(NamedTuple):
    """A page while it is stripped.

    Attributes:
        text: uint8, wikitext and PADDING zeros.
        out: uint8, what is kept; half as long again as the text, for no entity is longer than that.
        kinds: uint8, the stack of what is open.
        starts: int64, length of the output when that was opened.
        open_of: int64, shape (OPENINGS,), how many of each kind are open.
        unclosed: uint8, by tag: no closing tag of this name follows.
        at: int64, shape (FIELDS,).
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
    """Keep the words before and after apart, and no bigram across."""
    out = page.at[OUT]
    if out == 0 or page.out[out - 1] != NEW_LINE:
        put(page, NEW_LINE)


@lean_step
def push(page: Page, kind: int) -> None:
    """Open something here. Each opening takes two bytes of text at least, and the stack has room for as many."""
    depth = page.at[DEPTH]
    page.kinds[depth] = kind
    page.starts[depth] = page.at[OUT]
    page.open_of[kind] += 1
    page.at[DEPTH] = depth + 1


@lean_step
def pop(page: Page) -> int:
    """Forget what was opened last; returns where its output began."""
    page.at[DEPTH] -= 1
    page.at[STEPS] += 1
    page.open_of[page.kinds[page.at[DEPTH]]] -= 1
    return page.starts[page.at[DEPTH]]


@inlined_lean_step
def top(page: Page) -> int:
    """What was opened last; -1 if nothing is open."""
    depth = page.at[DEPTH]
    return np.int64(page.kinds[depth - 1]) if depth > 0 else np.int64(-1)


@inlined_lean_step
def opened_at(page: Page) -> int:
    """Length of the output when the innermost open thing was opened: never take back more, or its end uncovers that."""
    depth = page.at[DEPTH]
    return page.starts[depth - 1] if depth > 0 else np.int64(0)


@lean_step
def drop_to(page: Page, kind: int) -> None:
    """Close the nearest open thing of a kind, which there is, and take back its output and all that it holds."""
    while top(page) != kind:
        pop(page)
    page.at[OUT] = pop(page)
    put_break(page)
