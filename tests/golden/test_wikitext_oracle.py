"""Plain text of real pages beside mwparserfromhell's: at least 0.97 of the tokens agree."""

from __future__ import annotations

import bz2
import gzip
from collections import Counter
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("mwparserfromhell")

from wikitext_oracle import f1, oracle_text, tokens

from metaclip_spark.core.wikitext.dump_pages import PAGE_END, read_page, read_site
from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text

if TYPE_CHECKING:
    from pathlib import Path

MADE = [
    "'''A''' is a [[b|c]]{{cite|d}} of [[e]]s.<ref>f</ref>\n\n== G ==\n* h & i&nbsp;j\n{|\n| k\n|}\nl",
    "[[File:x.jpg|thumb|a [[b]] c]] d <math>e</math> ''f'' [http://g h] <small>i</small><br/>j",
]


@pytest.mark.parametrize("wikitext", MADE)
def test_made_pages(wikitext: str) -> None:
    assert tokens(plain_text(wikitext.encode()).decode()) == tokens(oracle_text(wikitext, []))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2", 100),
        ("ltgwiki-latest-pages-articles.xml.gz", 500),
    ],
)
def test_real_pages(shared_data: Path, name: str, pages: int) -> None:
    packed = (shared_data / "wikipedia" / name).read_bytes()
    content = bz2.decompress(packed) if name.endswith("bz2") else gzip.decompress(packed)
    site = read_site(content[:20_000])
    assert site is not None
    tables = markup_tables(site.hidden)
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    both = seen = 0
    apart: list[tuple[int, int, int, str]] = []
    for piece in content.split(PAGE_END.encode()):
        wikitext = read_page(piece).wikitext
        if wikitext:
            mine = tokens(plain_text(wikitext, tables).decode())
            theirs = tokens(oracle_text(wikitext.decode(), site.hidden))
            seen += 1
            here, there = (mine - theirs).total(), (theirs - mine).total()
            apart.append((here + there, here, there, wikitext[:40].decode("utf-8", "replace")))
            both += (mine & theirs).total()
            found += mine
            expected += theirs
    score = 2 * both / (found.total() + expected.total())
    print(f"{name}: {seen} pages, F1 {score:.4f}, of all pages together {f1(found, expected):.4f}")
    print("only here", (found - expected).most_common(20), "only there", (expected - found).most_common(20))
    print(f"{sum(not one[0] for one in apart)} pages equal; tokens only here, only there, and how a page begins:")
    print(*(one[1:] for one in sorted(apart, reverse=True)[:8]), sep="\n")
    assert seen >= pages
    assert score >= 0.97
