"""Plain text of wikitext: which text is kept, and that the work is proportional to the length of every page."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text, plain_text_and_steps


@dataclass(frozen=True)
class Case:
    name: str
    wikitext: str
    words: list[str]


CASES = [
    Case("bold and italics", "'''New''' ''York'' '''''City''''' dog's", ["New", "York", "City", "dog's"]),
    Case("template", "a {{cite|b={{c}}|d}} e", ["a", "e"]),
    Case("template separates words", "a{{b}}c", ["a", "c"]),
    Case("template that is never closed is text", "a {{b c", ["a", "b", "c"]),
    Case("closing markup without an opening", "a }} ]] b", ["a", "}", "]]", "b"]),
    Case("parameter", "a {{{1|b}}} c", ["a", "c"]),
    Case("link", "a [[b]] [[c d|e f]]s g", ["a", "b", "e", "fs", "g"]),
    Case("link with a section", "[[a#b|c]]", ["c"]),
    Case("link with a colon before it", "[[:b]] [[d|e]]", ["b", "e"]),
    Case("file with links in its caption", "a [[File:b.jpg|thumb|c [[d]] {{e}} [http://f g]]] h", ["a", "h"]),
    Case("file in small letters, category", "a [[file:b]] [[Category:c]]d", ["a", "d"]),
    Case("file by the name in this wiki", "a [[Fails:b.jpg|c]] [[fails:d]] e", ["a", "e"]),
    Case("other language", "a [[de:b]] [[zh-min-nan:c]] [[wp:d]] e", ["a", "wp:d", "e"]),
    Case("link that never ends", "a [[b c", ["a", "b", "c"]),
    Case("external link", "a [http://b.org/c?d=e f g] [//h i] [https://j]", ["a", "f", "g", "i"]),
    Case("address in the text", "a https://b.org/c_d e", ["a", "e"]),
    Case("brackets", "a [b] c", ["a", "[b]", "c"]),
    Case("table", "a\n{| class=x\n|-\n| b\n! c\n|}\nd", ["a", "d"]),
    Case("table in a table", "a\n{|\n|\n{|\n| b\n|}\n| c\n|}\nd", ["a", "d"]),
    Case("table of tags", "a <table border=1><tr><td>b</td></tr></table>c", ["a", "c"]),
    Case("table of tags in another", "a <table><tr><td>b<TABLE><tr><td>c</table>d</td></tr></table>e", ["a", "e"]),
    Case("table of tags in a table", "a\n{|\n| b <table>c</table> d\n|}\ne", ["a", "e"]),
    Case("table in a table of tags", "a <table>\n{|\n| b\n|}\nc</table>d", ["a", "d"]),
    Case("table of tags that is never closed is text", "a <table>b <table>c</table> [[d|e]] {{f|<table>}} g", [
        "a", "b", "e", "g"]),
    Case("table of tags closed by the construct around it", "{|\n|<table>a\n|}\nb {{c|<table>d}} e </table>f", [
        "b", "e", "f"]),
    Case("template in a table, its end at a line's beginning", "{|\n| {{a\n|b\n|}}\n|}\nc", ["c"]),
    Case("table after a comment", "<!-- a -->{|\n|b\n|}c", ["c"]),
    Case("heading", "== a b ==\nc\n===d===", ["a", "b", "c", "d"]),
    Case("equals signs in a line", "a = b", ["a", "=", "b"]),
    Case("lists and rules", "* a\n#:; b\n----\n: c", ["a", "b", "c"]),
    Case("comment joins words", "New<!-- b -->York", ["NewYork"]),
    Case("comment that never ends", "a <!-- b", ["a"]),
    Case("reference", "a<ref name=b>c</ref> d<ref name=b/> <REF>e</REF>f", ["a", "d", "f"]),
    Case("reference that never ends", "a<ref>b c", ["a", "b", "c"]),
    Case("gallery and formula", "a<gallery>\nb\n</gallery><math>c</math> d", ["a", "d"]),
    Case("tags inside of words", "10<sup>6</sup> <b>c</b> d<br />e", ["106", "c", "d", "e"]),
    Case("text that is not a tag", "a < b and c > d <e> <f", ["a", "<", "b", "and", "c", ">", "d", "<e>", "<f"]),
    Case("less than a letter that is a tag's name", "if a<b then c.\n\nd <ref>e</ref> f", [
        "if", "a<b", "then", "c.", "d", "f"]),
    Case("no tag at the end", "a <b c", ["a", "<b", "c"]),
    Case("reference whose name has a tag", 'a<ref name="<b>">c</ref> d', ["a", "d"]),
    Case("nowiki", "a <nowiki>[[b]] {{c}}</nowiki> <nowiki/>d", ["a", "[[b]]", "{{c}}", "d"]),
    Case("entities", "a&amp;b &eacute;&#233;&#xE9; &ndash; c&nbsp;d &unknown; &#x110000;", [
        "a&b", "\u00e9\u00e9\u00e9", "\u2013", "c\u00a0d", "&unknown;", "\ufffd"]),
    Case("half a surrogate pair and zero", "a&#xD800;b &#0;c", ["a\ufffdb", "c"]),
    Case("markup that is written as entities", "&lt;ref&gt;a&lt;/ref&gt; &#91;&#91;b", ["<ref>a</ref>", "[[b"]),
    Case("switches", "__NOTOC__ a __b__ __", ["a", "__b__", "__"]),
    Case("variants", "a -{zh-hans:b; zh-hant:c}- d -{{e}}", ["a", "d", "-"]),
    Case("control characters", "a\x01b\tc\r\nd", ["a", "b", "c", "d"]),
    Case("crossed", "a [[b {{c]] d}} e", ["a", "b", "e"]),
    Case("empty page", "", []),
]  # fmt: skip

# Few fragments, so that random pages combine constructs that cross each other
FRAGMENTS = ["a", "\u00e9", "\U0001f600", "\n==", "=", "://", "{{", "}}", "[[", "|", "]]", "<ref>", "</ref>", "&#233;"]
PAGES = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join)

HOSTILE = {
    "equals signs": "=",
    "lines of equals signs": "=\n",
    "templates": "{{",
    "links": "[[",
    "links with text": "[[a|",
    "ends": "}}]]",
    "links to files": "[[File:",
    "tables": "{|\n",
    "table ends": "{|\n|}\n",
    "tables of tags": "<table>",
    "ends of tables of tags": "</table>",
    "tables of tags without an end": "<table ",
    "tables of both kinds": "{|\n<table>",
    "references": "<ref>",
    "closed by another": "<ref></math>",
    "tags": "<br ",
    "long tags without an end": "<br aaaaaaaaaaaaaaaaaaaaaaaaaa ",
    "comments": "<!--",
    "ampersands": "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "numbers": "&#1",
    "apostrophes": "''",
    "addresses": "http://",
    "letters before addresses": "aaaaaaaa://",
    "underscores": "__A",
    "variants": "-{",
    "colons": ":",
    "external links": "[http://a ",
    "dashes": "\n---",
    "blanks": "\n     ",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kept_words(case: Case) -> None:
    text = plain_text(case.wikitext.encode(), markup_tables(("Fails",))).decode()
    assert [word for word in text.replace("\n", " ").split(" ") if word] == case.words


def test_dropped_blocks_and_lines_keep_words_apart() -> None:
    assert plain_text(b"a{{b}}c\nd") == b"a\nc\nd"
    assert plain_text(b"a [[b|c]] d") == b"a c d"


@pytest.mark.parametrize(("wikitext", "text"), [
    ("abc{{://x \u00e9}} def", "abc\n def"),
    ("== a =={{ ==\nx\u00e9}}b", " a ==\nb"),
], ids=["letters before an address", "equals signs before a template"])  # fmt: skip
def test_output_before_an_open_construct_is_kept(wikitext: str, text: str) -> None:
    assert plain_text(wikitext.encode()).decode() == text


@settings(max_examples=1000)
@given(PAGES)
def test_output_is_utf8(wikitext: str) -> None:
    plain_text(wikitext.encode()).decode()


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_work_is_proportional_to_length(unit: str) -> None:
    short, steps = plain_text_and_steps(unit.encode() * 2_500)
    _, more = plain_text_and_steps(unit.encode() * 50_000)
    assert more <= 20.1 * steps
    assert steps <= 4 * 2_500 * len(unit) + 100
    assert len(short) <= 1.5 * 2_500 * len(unit)


NESTINGS = [
    ("{{", "}}"), ("[[a|", "]]"), ("{|\n", "|}\n"), ("{{[[", "]]}}"), ("[[{{", "]]}}"), ("<table>", "</table>"),
    ("<table>[[", "]]</table>"), ("{|\n<table>", "</table>\n|}\n"),
]  # fmt: skip


def test_nested_and_crossed_deeply() -> None:
    depth = 20_000
    for opening, end in NESTINGS:
        _, steps = plain_text_and_steps((opening * depth + "x" + end * depth).encode())
        assert steps <= 5 * depth * (len(opening) + len(end))


def test_one_page_of_ten_megabytes() -> None:
    sentence = "The [[quick]] {{brown|fox}} jumps over '''the''' lazy dog.\n"
    wikitext = (sentence * (10_000_000 // len(sentence))).encode()
    text, steps = plain_text_and_steps(wikitext)
    assert text.count(b"quick") == wikitext.count(b"quick")
    assert b"fox" not in text
    assert steps <= 4 * len(wikitext)
