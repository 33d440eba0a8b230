"""Made-up Wikipedia dumps, with each compression, and page view files."""

from __future__ import annotations

import bz2
import gzip
import random
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


_PIECES = ["new york", "[[hong kong|Hong Kong]]", "{{cite|x}}", "a, b", "\n== Head ==\n", "(odd", "'''la paz'''"]


class Article(NamedTuple):
    title: str
    text: str
    namespace: int = 0
    redirect: bool = False


def head(language: str = "en", database: str = "", files: str = "Fails") -> str:
    return (
        f'<mediawiki version="0.11" xml:lang="{language}">\n  <siteinfo>\n'
        f"    <dbname>{database or language + 'wiki'}</dbname>\n    <namespaces>\n"
        '      <namespace key="0" case="first-letter" />\n'
        f'      <namespace key="6" case="first-letter">{files}</namespace>\n    </namespaces>\n  </siteinfo>\n'
    )


TAIL = "</mediawiki>\n"


def page(article: Article, number: int = 1) -> str:
    redirect = '    <redirect title="Other" />\n' if article.redirect else ""
    return (
        f"  <page>\n    <title>{escape(article.title)}</title>\n    <ns>{article.namespace}</ns>\n"
        f"    <id>{number}</id>\n{redirect}    <revision>\n      <id>{number}</id>\n      <model>wikitext</model>\n"
        f'      <text bytes="1" xml:space="preserve">{escape(article.text)}</text>\n'
        "      <sha1>x</sha1>\n    </revision>\n  </page>\n"
    )


def dump(articles: Iterable[Article], language: str = "en", database: str = "", files: str = "Fails") -> bytes:
    pages = "".join(page(article, number) for number, article in enumerate(articles))
    return (head(language, database, files) + pages + TAIL).encode()


def write(path: Path, content: bytes) -> Path:
    """Write a file, compressed as its suffix says. The blocks of .bz2 are 100 kB, so that a file has many of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = {".gz": gzip.compress, ".bz2": lambda data: bz2.compress(data, 1)}.get(path.suffix)
    path.write_bytes(packed(content) if packed else content)
    return path


def write_streams(path: Path, content: bytes, streams: int) -> Path:
    """Write a multistream .bz2 file."""
    length = -(-len(content) // streams)
    path.write_bytes(b"".join(bz2.compress(content[at : at + length]) for at in range(0, len(content), length)))
    return path


def made_up_articles(count: int, *, words: int = 300, seed: int = 0) -> list[Article]:
    """Return articles of frequent and rare made-up words, with markup and collocations, and pages of other kinds."""
    chance = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(2_000)]
    weights = [1 / (number + 1) for number in range(len(vocabulary))]
    articles = []
    for number in range(count):
        text = chance.choices(vocabulary, weights, k=words)
        for place in range(0, len(text), 25):
            text[place] = chance.choice(_PIECES)
        articles.append(Article(f"Title {number} & more", " ".join(text)))
    return [
        *articles,
        Article("Talk:Title 1", "nothing of this counts", namespace=1),
        Article("Old title", "#REDIRECT [[Title 1]] nothing", redirect=True),
    ]


def views(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
