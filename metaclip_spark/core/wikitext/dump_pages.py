"""Pages of a `pages-articles` dump, read from the pieces into which the dump is split at each `</page>`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from metaclip_spark.core.languages import OTHER, base_language, language_code
from metaclip_spark.core.wikitext.projects import SIMPLE
from metaclip_spark.errors import InputError

PAGE_END: Final = "</page>"
"""Separator of the pieces of a dump. Each piece except the last contains one page. The separator cannot occur in the
text of a page, in which "<" is written as `&lt;`."""

_PAGE_START: Final = b"<page>"
_DUMP_END: Final = b"</mediawiki>"
_SITE: Final = re.compile(rb"<mediawiki\b([^>]*)>")
_LANGUAGE: Final = re.compile(rb'xml:lang="([^"]*)"')
_DATABASE: Final = re.compile(rb"<dbname>([^<]*)</dbname>")
_NAMESPACE: Final = re.compile(rb'<namespace key="(-?\d+)"[^>]*>([^<]*)</namespace>')
_NS: Final = re.compile(rb"<ns>\s*(-?\d+)\s*</ns>")
_TITLE: Final = re.compile(rb"<title>([^<]*)</title>")
_XML_CHARACTER: Final = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_XML_NAMES: Final = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&apos;", b"'"))
_HIDDEN_NAMESPACES: Final = frozenset({b"6", b"14", b"-2"})  # files, categories, media
_SHOWN_BYTES: Final = 60
_MAX_CODE_POINT: Final = 0x10FFFF


class PageFate(StrEnum):
    """Kind of a piece of a dump: an article, or the reason why it is not counted."""

    ARTICLE = "article"
    OTHER_NAMESPACE = "other_namespace"
    REDIRECT = "redirect"
    NO_PAGE = "no_page"
    """Text before the first page or after the last."""


@dataclass(frozen=True)
class Site:
    """Information about a wiki from the start of its dump.

    Attributes:
        database: Name of the database, such as "enwiki"; "" if the dump does not contain it.
        language: Language code, such as "en"; "" if the dump does not contain it.
        hidden: Names that the wiki gives to the namespaces whose links are not shown.
    """

    database: str
    language: str
    hidden: tuple[str, ...]

    @property
    def wiki(self) -> str:
        """Code of the Wikipedia, such as "zh_yue"."""
        return language_code(self.database.removesuffix("wiki"))

    def is_of(self, language: str) -> bool:
        """Return whether this is a Wikipedia of a language or of a variant of it. Every Wikipedia matches `other`.

        >>> [Site("zh_yuewiki", "yue", ()).is_of(language) for language in ("zh", "zh-yue", "other", "ja")]
        [True, True, True, False]
        """
        code = language_code(language)
        return code in {OTHER, self.wiki, base_language(self.wiki)} or (
            self.wiki != SIMPLE and code == language_code(self.language)
        )


@dataclass(frozen=True)
class DumpPage:
    """One piece of a dump.

    Attributes:
        fate: Kind of the piece.
        title: Title, if it is an article.
        wikitext: Wikitext in valid UTF-8, if it is an article.
        repaired: Whether bytes that are not valid UTF-8 were replaced by U+FFFD.
    """

    fate: PageFate
    title: str = ""
    wikitext: bytes = b""
    repaired: bool = False


def read_site(piece: bytes) -> Site | None:
    """Return the information about the wiki from the first piece of its dump, or None for another piece.

    >>> read_site(b'<mediawiki xml:lang="lv"><dbname>ltgwiki</dbname><namespace key="6" case="x">Fails</namespace>')
    Site(database='ltgwiki', language='lv', hidden=('Fails',))
    """
    site = _SITE.search(piece)
    if site is None:
        return None
    language, database = _LANGUAGE.search(site.group(1)), _DATABASE.search(piece)
    return Site(
        database=database.group(1).decode("utf-8", "replace") if database else "",
        language=language.group(1).decode("utf-8", "replace") if language else "",
        hidden=tuple(
            unescape(name).decode("utf-8", "replace")
            for key, name in _NAMESPACE.findall(piece)
            if key in _HIDDEN_NAMESPACES
        ),
    )


def ends_dump(piece: bytes) -> bool:
    """Return whether this piece contains the end of a complete dump."""
    return piece.rstrip().endswith(_DUMP_END)


def read_page(piece: bytes) -> DumpPage:
    """Return the page in a piece.

    Raises:
        InputError: The piece ends inside a page, or contains more than one version of it.

    >>> read_page(b"<page><title>A &amp; B</title><ns>0</ns><revision><text>x &lt; y</text></revision>")
    DumpPage(fate=<PageFate.ARTICLE: 'article'>, title='A & B', wikitext=b'x < y', repaired=False)
    """
    start = piece.find(_PAGE_START)
    if start < 0:
        return DumpPage(PageFate.NO_PAGE)
    text_at = piece.find(b"<text", start)
    head = piece[start : text_at if text_at >= 0 else len(piece)]
    title = _TITLE.search(head)
    if not piece.endswith(b"</revision>") and not piece.rstrip().endswith((b"</revision>", b"</upload>")):
        raise InputError(f"The dump is truncated: it ends inside the page {_shown(title, head)}. Download it again.")
    if piece.count(b"<revision>") > 1:
        raise InputError(
            f"The page {_shown(title, head)} has {piece.count(b'<revision>')} versions: the dump contains the history. "
            "Use the dump pages-articles."
        )
    namespace = _NS.search(head)
    if namespace is None or namespace.group(1) != b"0":
        return DumpPage(PageFate.OTHER_NAMESPACE)
    if b"<redirect" in head:
        return DumpPage(PageFate.REDIRECT)
    wikitext, repaired = _text_of(piece, text_at)
    return DumpPage(
        PageFate.ARTICLE, unescape(title.group(1)).decode("utf-8", "replace") if title else "", wikitext, repaired
    )


def unescape(xml: bytes) -> bytes:
    """Decode the entities of XML, including numbers. The number of a surrogate is not changed.

    >>> unescape(b"&amp;nbsp; &#233; &lt;br&gt;").decode()
    '&nbsp; é <br>'
    """
    if b"&" not in xml:
        return xml
    for name, character in _XML_NAMES:
        xml = xml.replace(name, character)
    if b"&#" in xml:
        xml = _XML_CHARACTER.sub(_character, xml)
    return xml.replace(b"&amp;", b"&")


def _character(match: re.Match[bytes]) -> bytes:
    point = int(match.group(1), 16) if match.group(1) else int(match.group(2))
    if point > _MAX_CODE_POINT:
        return match.group()
    try:
        return chr(point).encode()
    except UnicodeEncodeError:
        return match.group()


def _text_of(piece: bytes, at: int) -> tuple[bytes, bool]:
    """Return the wikitext, and whether bytes that are not valid UTF-8 were replaced."""
    start = piece.find(b">", at) + 1
    if at < 0 or piece[start - 2 : start] == b"/>":
        return b"", False
    text = unescape(piece[start : piece.rfind(b"</text>")])
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode(), True
    return text, False


def _shown(title: re.Match[bytes] | None, head: bytes) -> str:
    shown = title.group(1) if title else head[:_SHOWN_BYTES]
    return repr(shown.decode("utf-8", "replace"))
