"""Entry lists: parsing, digests, and classification of entries."""

from __future__ import annotations

import hashlib

import pytest

from metaclip_spark.core.entry_list import (
    EntryFate,
    EntryReport,
    classify_entries,
    metadata_digest,
    parse_json,
    parse_text,
)
from metaclip_spark.errors import InputError

TEXTS = {
    "one per line": (b"a\nb c\n", ["a", "b c"]),
    "no line end at the end": (b"a\nb", ["a", "b"]),
    "carriage returns of line ends go": (b"a\r\nb\r\n", ["a", "b"]),
    "others stay": (b"a\rb\n\rc\n", ["a\rb", "\rc"]),
    "nothing is trimmed": (b" a \n\tb\n", [" a ", "\tb"]),
    "empty lines keep their ids": (b"\n\na\n\n", ["", "", "a", ""]),
    "byte order mark": (b"\xef\xbb\xbfa\n", ["a"]),
    "only the first byte order mark": (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
    "other line separators are text": ("a\u2028b\x0bc\x85d\n".encode(), ["a\u2028b\x0bc\x85d"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("data", "entries"), TEXTS.values(), ids=TEXTS)
def test_parse_text(data: bytes, entries: list[str]) -> None:
    assert parse_text(data) == entries


BAD = {
    "text that is not UTF-8": (parse_text, b"a\nb\xff\n", "0xff in line 2"),
    "no JSON": (parse_json, b"a\nb", "not JSON"),
    "a JSON object": (parse_json, b'{"a": 1}', "JSON dict"),
    "a number among strings": (parse_json, b'["a", 7]', "entry 1 is a int, 7"),
    "half a surrogate pair": (parse_json, b'["a", "b\\ud800"]', "entry 1"),
}


@pytest.mark.parametrize(("parse", "data", "message"), BAD.values(), ids=BAD)
def test_bad_lists(parse, data: bytes, message: str) -> None:  # noqa: ANN001 - either parser
    with pytest.raises(InputError, match=message):
        parse(data)


def test_json_in_order() -> None:
    assert parse_json('\ufeff["b", "", "a", "é"]'.encode()) == ["b", "", "a", "é"]


def test_digest_is_the_documented_one() -> None:
    entries = ["a", "", "é" * 200, "x" * 255, "y" * 256]
    plain = hashlib.sha256()
    for entry in entries:
        plain.update(len(entry.encode()).to_bytes(8, "little") + entry.encode())
    assert metadata_digest(entries) == plain.hexdigest()
    assert len({metadata_digest(e) for e in (["ab"], ["a", "b"], ["b", "a"], ["ab", ""], [])}) == 5


FATES = {
    "a": EntryFate.MATCHABLE,
    "new york": EntryFate.MATCHABLE,
    " a": EntryFate.MATCHABLE,
    "a  b": EntryFate.MATCHABLE,
    "St . Louis": EntryFate.MATCHABLE,
    ",": EntryFate.MATCHABLE,
    ", a": EntryFate.MATCHABLE,
    "a ,  , b": EntryFate.MATCHABLE,
    "a-b": EntryFate.MATCHABLE,
    "\u00a0": EntryFate.MATCHABLE,
    "": EntryFate.BLANK,
    "  ": EntryFate.BLANK,
    "a\tb": EntryFate.CONTROL,
    "\n": EntryFate.CONTROL,
    "a.\r": EntryFate.CONTROL,
    "St. Louis": EntryFate.UNMATCHABLE,
    "U.S.": EntryFate.UNMATCHABLE,
    "a ,b": EntryFate.UNMATCHABLE,
    "?!": EntryFate.UNMATCHABLE,
    "a , , b": EntryFate.UNMATCHABLE,
    "é`": EntryFate.UNMATCHABLE,
}


def test_fates() -> None:
    entries = [*FATES, *FATES]
    again = [fate if fate is EntryFate.BLANK else EntryFate.REPEATED for fate in FATES.values()]
    assert [EntryFate(f) for f in classify_entries(entries)] == [*FATES.values(), *again]


def test_report() -> None:
    report = EntryReport.from_fates(classify_entries(["a", "U.S.", "a", "", "\t", "b", "St. X"]))
    assert report.as_dict() == {
        "counts": {"matchable": 2, "blank": 1, "repeated": 1, "control": 1, "unmatchable": 2},
        "examples": {"blank": [3], "repeated": [2], "control": [4], "unmatchable": [1, 6]},
    }
