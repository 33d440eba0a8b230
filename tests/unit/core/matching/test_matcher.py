"""Methods of the matcher: Arrow arrays of every form, texts of every size, positions of matches."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.oracle import match_naive
from metaclip_spark.core.matching.tokens import build_phrases, build_words, match_rows, perfect_hash
from metaclip_spark.core.word_hashing import _MIX_LOW
from metaclip_spark.errors import InputError
from metaclip_spark.host.kernel_cache import Kernel

ENTRIES = ["a", "b c", "a b c", " x", "a  b", ",", "c  ,", "w" * 40, "w" * 17, "e1 e2 e3 e4 e5 e6 e7 e8 e9 e10 e11 e12"]
ENTRIES += [f"t{i}" for i in range(2000)] + [f"t{i} t{i + 1}" for i in range(0, 2000, 3)]
ENCODED = [entry.encode() for entry in ENTRIES]
CAPTIONS = [
    b"a b c, x",
    None,
    b"",
    b"a",
    b"\xff b c \x00",
    b"e1 " * 50,
    "é a 🙂".encode(),
    None,
    b"  a  b",
    b"a" * 70,
    b"t1 t2 t3",
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(compile_metadata(ENTRIES))


@cache
def match_slowly(caption: bytes) -> list[int]:
    return match_naive(caption, ENCODED)


def expected(captions: list[bytes | None]) -> list[list[int] | None]:
    return [None if caption is None else match_slowly(caption) for caption in captions]


def as_string(captions: list[bytes | None], offset: pa.DataType, text: pa.DataType) -> pa.Array:
    """Return an array of strings that are not valid UTF-8, as readers of raw files create them."""
    array = pa.array(captions, offset)
    return pa.Array.from_buffers(text, len(array), array.buffers(), null_count=array.null_count)


FORMS = {
    "binary": pa.array(CAPTIONS, pa.binary()),
    "large_binary": pa.array(CAPTIONS, pa.large_binary()),
    "string": as_string(CAPTIONS, pa.binary(), pa.string()),
    "large_string": as_string(CAPTIONS, pa.large_binary(), pa.large_string()),
}


@pytest.mark.parametrize("array", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("start", range(len(CAPTIONS) + 1))
@pytest.mark.parametrize("rows", [0, 1, 3, len(CAPTIONS)])
def test_slices(matcher: Matcher, array: pa.Array, start: int, rows: int) -> None:
    assert matcher.match_batch(array.slice(start, rows)).to_pylist() == expected(CAPTIONS[start : start + rows])


BATCHES = {
    "empty": (pa.array([], pa.string()), []),
    "empty, no buffers": (pa.array([], pa.string()).slice(0, 0), []),
    "all null": (pa.array([None] * 70, pa.string()), [None] * 70),
    "of type null": (pa.nulls(3), [None] * 3),
    "null over bytes": (
        pa.Array.from_buffers(
            pa.string(), 2, [pa.py_buffer(b"\x02"), pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"aa")]
        ),
        [None, [0]],
    ),
    "no chunks": (pa.chunked_array([], pa.string()), []),
    "chunks": (pa.chunked_array([["a", None], [], ["b c"]], pa.string()), [[0], None, [1]]),
    "a writable buffer": (
        pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(bytearray(np.array([0, 1], np.int32))), pa.py_buffer(bytearray(b"a"))]
        ),
        [[0]],
    ),
}


@pytest.mark.parametrize(("array", "lists"), BATCHES.values(), ids=BATCHES)
def test_batches(matcher: Matcher, array: pa.Array, lists: list[list[int] | None]) -> None:
    result = matcher.match_batch(array)
    assert result.type == pa.list_(pa.int32())
    assert result.to_pylist() == lists


REJECTED = {
    "numbers": (pa.array([1]), "captions have type int64. Cast"),
    "a dictionary": (pa.array(["a"]).dictionary_encode(), "captions have type dictionary.*. Cast"),
}


@pytest.mark.parametrize(("array", "message"), REJECTED.values(), ids=REJECTED)
def test_other_types_are_rejected(matcher: Matcher, array: pa.Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        matcher.match_batch(array)


def test_plain_arrays(matcher: Matcher) -> None:
    ids, offsets = matcher.match_ids(pa.array(["a b c", None, "a a"]))
    assert (ids.dtype, offsets.dtype) == (np.int32, np.int64)
    assert (ids.tolist(), offsets.tolist()) == ([0, 1, 2, 0], [0, 3, 3, 4])


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8192, 30_000, 100_000])
@pytest.mark.parametrize("separator", [" ", ",", ", ", "  ", " ,, "])
def test_windows_of_long_rows(matcher: Matcher, size: int, separator: str) -> None:
    random = np.random.default_rng(size)
    words = ["a", "b", "c", "x", "w" * 40, "w" * 17, "z" * 3000, *(f"t{i}" for i in range(40)), *ENTRIES[9].split()]
    caption = separator.join(random.choice(words, size // 4)) + " " + ENTRIES[9]
    caption = caption[-size:]
    assert matcher.match(caption) == match_naive(caption.encode(), ENCODED)


@pytest.mark.parametrize("start", range(1500, 1530))
def test_longest_entry_across_windows(matcher: Matcher, start: int) -> None:
    assert matcher.match("q " * start + ENTRIES[9] + " q" * 4000) == [9]


HUGE = {
    "one word": ("x" * 10_000_000, []),
    "marks": ("," * 10_000_000, [5]),
    "spaces": (" " * 10_000_000, []),
    "words": ("a " * 5_000_000, [0]),
    "phrases": ("t1 t2 t3 t4 " * 800_000, [ENTRIES.index(t) for t in ("t1", "t2", "t3", "t4", "t3 t4")]),
}


@pytest.mark.parametrize(("caption", "ids"), HUGE.values(), ids=HUGE)
def test_ten_megabytes(matcher: Matcher, caption: str, ids: list[int]) -> None:
    assert matcher.match(caption) == ids


def test_thousands_of_matches_in_a_row(matcher: Matcher) -> None:
    caption = " ".join(f"t{i}" for i in range(2000))
    assert len(matcher.match(caption)) == 2000 + 667
    assert matcher.match(caption) == match_naive(caption.encode(), ENCODED)
    short = " ".join(f"t{i}" for i in range(500))  # short enough for a block, where the ids are sorted in runs
    assert matcher.match(short) == match_naive(short.encode(), ENCODED)


def test_an_entry_longer_than_a_window() -> None:
    entry = " ".join(f"v{i}" for i in range(5000))
    matcher = Matcher(compile_metadata([entry, "v7", entry + " v0"]))
    assert matcher.match(f"v0 {entry} v1") == [0, 1]
    assert matcher.match(f"{entry} {entry}") == [0, 1, 2]


def test_words_of_equal_hash_use_another_seed() -> None:
    seed = int(_MIX_LOW) ^ int.from_bytes(b"abcdefgh", "little")  # any word that starts so has the hash 0
    compiled = compile_metadata(["abcdefghX", "abcdefghY"], seed=seed)
    assert compiled.seed == seed + 1
    assert Matcher(compiled).match("abcdefghY") == [1]


def test_each_kernel_is_compiled_once(matcher: Matcher) -> None:
    """Arrays that are read-only, writable, sliced or have 64-bit offsets, as in the tests before, run the same code."""
    matcher.match_batch(pa.array(["a"], pa.large_string()))
    compiled = [
        k.dispatcher
        for module in (match_rows, build_words, build_phrases, perfect_hash)
        for k in vars(module).values()
        if isinstance(k, Kernel) and k.dispatcher is not None
    ]
    assert {k.__name__: k.signatures for k in compiled if len(k.signatures) != 1} == {}
    assert match_rows.match_rows.dispatcher in compiled


POSITIONS = {
    "overlapping": ("new york city", [("new york", "new york"), ("york", "york"), ("york city", "york city")]),
    "repeated": ("york york", [("york", "york"), ("york", "york")]),
    "spaced": ("york,york", [("york", "york"), ("york , york", "york,york"), ("york", "york")]),
    "characters, not bytes": ("é🙂 york", [("york", "york")]),
    "double space": ("new, york", [("new ,  york", "new, york"), ("york", "york")]),
    "tab": ("new\tyork", [("new york", "new\tyork"), ("york", "york")]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("caption", "found"), POSITIONS.values(), ids=POSITIONS)
def test_positions(caption: str, found: list[tuple[str, str]]) -> None:
    matcher = Matcher(compile_metadata(["york", "new york", "york city", "york , york", "new ,  york"]))
    assert [(match.entry, caption[match.start : match.end]) for match in matcher.find(caption)] == found


def test_positions_agree_with_ids(matcher: Matcher) -> None:
    for caption in ("a b c, x", "  a  b", "c, ,", "t1 t2 t3"):
        assert sorted({match.entry_id for match in matcher.find(caption)}) == matcher.match(caption)


def test_entries_by_id(matcher: Matcher) -> None:
    assert matcher.compiled.entries(matcher.match("a b c")) == ["a", "b c", "a b c"]
    with pytest.raises(IndexError, match=f"ids are 0 to {len(ENTRIES) - 1}"):
        matcher.compiled.entry(-1)


def test_matching_does_not_import_spark() -> None:
    code = "import sys, metaclip_spark.core.matching.matcher; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
