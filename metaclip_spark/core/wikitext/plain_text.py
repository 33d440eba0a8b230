"""Plain text of wikitext: the prose that a reader sees, without templates, tables, references, files and markup."""

from __future__ import annotations

import numpy as np

from metaclip_spark.core.wikitext.markup_tables import MarkupTables, markup_tables
from metaclip_spark.core.wikitext.page_state import CONSTRUCTS, FIELDS, PADDING, STEPS, Page
from metaclip_spark.core.wikitext.strip_markup import strip_markup
from metaclip_spark.host.kernel_cache import read_only


def plain_text(wikitext: bytes, tables: MarkupTables | None = None) -> bytes:
    r"""Return the prose of a page.

    Templates, tables, references, comments, galleries, formulas, code, files, categories, links to other languages and
    web addresses are dropped with their content. The text of links, headings and lists is kept, and entities are
    decoded. A line break replaces content that was dropped between two words, so that they are not neighbours. Every
    text is valid input: markup that is never closed is text.

    Args:
        wikitext: Valid UTF-8: the content of <text> after decoding the entities of XML.
        tables: Tables of the wiki. None means tables with only the English names of namespaces.

    >>> plain_text(b"'''Anarchism''' is{{efn|a note}} a [[political philosophy|philosophy]], see [[File:A.jpg|x]]")
    b'Anarchism is\n a philosophy, see \n'
    """
    return plain_text_and_steps(wikitext, tables)[0]


def plain_text_and_steps(wikitext: bytes, tables: MarkupTables | None = None) -> tuple[bytes, int]:
    """Return the prose of a page, and the number of steps that it took: bytes read, constructs opened and closed."""
    size = len(wikitext)
    page = Page(
        text=read_only(np.frombuffer(wikitext + bytes(PADDING), np.uint8)),
        out=np.empty(size + size // 2 + PADDING, np.uint8),
        kinds=np.empty(size // 2 + PADDING, np.uint8),
        starts=np.empty(size // 2 + PADDING, np.int64),
        open_of=np.zeros(CONSTRUCTS, np.int64),
        unclosed=np.zeros(len((tables or markup_tables()).tags), np.uint8),
        at=np.zeros(FIELDS, np.int64),
    )
    length = strip_markup(page, size, tables or markup_tables())
    return page.out[:length].tobytes(), int(page.at[STEPS])
