"""Plain text by mwparserfromhell's tree: an oracle for the scanner, which has none."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import mwparserfromhell
from mwparserfromhell import nodes

from metaclip_spark.core.wikitext.markup_tables import _TAGS, DROPPED

if TYPE_CHECKING:
    from collections.abc import Iterable

_DROPPED_TAGS = {*_TAGS[DROPPED].split(), "table"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z-]+)?:")
_TOKEN = re.compile(r"[,.;:?!`]|[^\s,.;:?!`]+")


def oracle_text(wikitext: str, hidden: Iterable[str]) -> str:
    """Text of the tree without the nodes that are dropped here; what stays is rendered as `strip_code` renders it."""
    prefixes = {name.casefold() for name in ("file", "image", "media", "category", *hidden)}
    return _render(mwparserfromhell.parse(wikitext), prefixes)


def _render(code: Any, hidden: set[str]) -> str:
    return "".join(_render_node(node, hidden) for node in code.nodes) if code is not None else ""


def _render_node(node: Any, hidden: set[str]) -> str:  # noqa: PLR0911 - a case for each type of node
    if isinstance(node, (nodes.Template, nodes.Comment, nodes.Argument)):
        return ""
    if isinstance(node, nodes.Wikilink):
        title = str(node.title).strip()
        prefix = title.partition(":")[0].strip().replace("_", " ").casefold() if ":" in title else ""
        if prefix in hidden or _LANGUAGE.match(title):
            return ""
        return _render(node.text, hidden) if node.text is not None else title.removeprefix(":")
    if isinstance(node, nodes.ExternalLink):
        return _render(node.title, hidden) if node.brackets and node.title is not None else ""
    if isinstance(node, nodes.Tag):
        name = str(node.tag).strip().casefold()
        if name in _DROPPED_TAGS:
            return ""
        return "\n" if name == "br" else _render(node.contents, hidden) if node.contents is not None else ""
    if isinstance(node, nodes.Heading):
        return _render(node.title, hidden)
    if isinstance(node, nodes.HTMLEntity):
        return str(node.normalize())
    return str(node)


def tokens(text: str) -> Counter[str]:
    """Tokens of a text, the seven marks apart."""
    return Counter(_TOKEN.findall(text))


def f1(found: Counter[str], expected: Counter[str]) -> float:
    """Harmonic mean of precision and recall of tokens, each as often as it occurs."""
    both = (found & expected).total()
    return 2 * both / (found.total() + expected.total()) if both else float(found == expected)
