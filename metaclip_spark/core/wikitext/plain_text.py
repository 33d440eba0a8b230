"""Wikitext as plain text: what a reader sees of the prose, without templates, tables, references, files and markup."""

from __future__ import annotations

import numpy as np

from metaclip_spark.core.wikitext.kernels import strip
from metaclip_spark.core.wikitext.markup_tables import MarkupTables, markup_tables
from metaclip_spark.core.wikitext.state import FIELDS, OPENINGS, PADDING, STEPS, Page
from metaclip_spark.host.kernel_cache import read_only


def plain_text(wikitext: bytes, tables: MarkupTables | None = None) -> bytes:
    r"""The prose of a page.

    Dropped with all that they hold: templates, tables, references, comments, galleries, formulas, code, files,
    categories, links to other languages, web addresses. Of links, headings and lists the text stays, entities are
    decoded. Where something was dropped between two words there is a line break, so that they are no neighbours.
    Neither a page nor its markup can be too odd: what is never closed is text.

    Args:
        wikitext: valid UTF-8, as between <text> and </text> once XML's own entities are decoded.
        tables: of the wiki; None: with the English names of namespaces alone.

    >>> plain_text(b"'''Anarchism''' is{{efn|a note}} a [[political philosophy|philosophy]], see [[File:A.jpg|x]]")
    b'Anarchism is\n a philosophy, see \n'
    """
    return strip_counted(wikitext, tables)[0]


def strip_counted(wikitext: bytes, tables: MarkupTables | None = None) -> tuple[bytes, int]:
    """The prose, and the number of steps that it took: bytes looked at, things opened and closed."""
    size = len(wikitext)
    page = Page(
        text=read_only(np.frombuffer(wikitext + bytes(PADDING), np.uint8)),
        out=np.empty(size + size // 2 + PADDING, np.uint8),
        kinds=np.empty(size // 2 + PADDING, np.uint8),
        starts=np.empty(size // 2 + PADDING, np.int64),
        open_of=np.zeros(OPENINGS, np.int64),
        unclosed=np.zeros(len((tables or markup_tables()).tags), np.uint8),
        at=np.zeros(FIELDS, np.int64),
    )
    length = strip(page, size, tables or markup_tables())
    return page.out[:length].tobytes(), int(page.at[STEPS])
