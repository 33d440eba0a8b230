"""Artifacts with correct digests and invalid content: rejected with name and limit, before a kernel reads them."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from metaclip_spark.core.matching.artifact import artifact_from_buffer, artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.tokens.tables import FREE_PHRASE, KEY, PAYLOAD, PHRASE_PAYLOAD, SHAPE
from metaclip_spark.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES = ["york", "new york", "new york city hall", "St. Louis", "", "été", "x" * 60]
TEXT = sum(len(entry.encode()) for entry in ENTRIES)

Header = dict[str, Any]
Arrays = dict[str, Any]  # writable numpy arrays


def unpacked() -> tuple[Header, Arrays]:
    data = artifact_to_bytes(compile_metadata(ENTRIES))
    length = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[48 : 48 + length])
    start = -(-(48 + length) // 64) * 64
    return header, {
        about["name"]: np.frombuffer(data, about["dtype"], about["shape"][0], start + about["offset"]).copy()
        for about in header["arrays"]
    }


def packed(header: bytes, payload: bytes = b"") -> bytes:
    prologue = struct.pack("<8sII32s", b"MCLPSPRK", 2, len(header), hashlib.sha256(header).digest())
    return prologue + header + bytes(-(48 + len(header)) % 64) + payload


def repacked(header: Header, arrays: Arrays, change: Callable[[Header], object] = lambda _: None) -> bytes:
    """Pack arrays with matching digests, shapes and offsets, after changing the header."""
    payload = b""
    header["arrays"] = []
    for name, array in arrays.items():
        about = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape), "offset": len(payload)}
        header["arrays"].append(about)
        payload += array.tobytes() + bytes(-array.nbytes % 64)
    header |= {"payload_bytes": len(payload), "payload_sha256": hashlib.sha256(payload).hexdigest()}
    change(header)
    return packed(json.dumps(header).encode(), payload)


def test_repacked_artifact_is_valid() -> None:
    assert artifact_from_buffer(repacked(*unpacked())).entries(range(len(ENTRIES))) == ENTRIES


INVALID_HEADERS = {
    "not JSON": (b"{", "its header is not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "its header is not JSON"),
    "nested too deeply": (b"[" * 100_000, "its header is not JSON"),
    "a number too long to read": (b"1" * 5_000, "its header is not JSON"),
    "not an object": (b"[]", r"the header is \[\], but must be a JSON object"),
    "empty object": (b"{}", "semantics version None"),
}


@pytest.mark.parametrize(("header", "message"), INVALID_HEADERS.values(), ids=INVALID_HEADERS)
def test_invalid_headers_are_rejected(header: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        artifact_from_buffer(packed(header))


class Case(NamedTuple):
    key: str
    value: object
    message: str


HEADERS = [
    Case("max_entry_words", -400, "max_entry_words is -400, but must be 4"),
    Case("max_entry_words", 0, "max_entry_words is 0, but must be 4"),
    Case("max_entry_words", 3, "max_entry_words is 3, but must be 4"),
    Case("max_entry_words", 10**12, "max_entry_words is 1000000000000, but must be 4"),
    Case("max_entry_words", 10**30, "max_entry_words is 10{12}.*0, but must be 4"),
    Case("max_entry_words", [4], r"max_entry_words is \[4\], but must be of type int"),
    Case("max_entry_words", "4", "max_entry_words is '4', but must be of type int"),
    Case("max_word_bytes", -1, "max_word_bytes is -1, but must be 60"),
    Case("max_word_bytes", 59, "max_word_bytes is 59, but must be 60"),
    Case("max_word_bytes", 2**62, "max_word_bytes is 4611686018427387904, but must be 60"),
    Case("max_word_bytes", 60.0, "max_word_bytes is 60.0, but must be of type int"),
    Case("seed", -1, "seed is -1, but must be from 0 to 18446744073709551615"),
    Case("seed", 2**64, "seed is 18446744073709551616, but must be from 0"),
    Case("language", None, "language is None, but must be of type str"),
    Case("metadata_digest", 7, "metadata_digest is 7, but must be of type str"),
    Case("payload_bytes", -64, "payload_bytes is -64, but must be"),
    Case("payload_bytes", 10**12, "payload_bytes is 1000000000000, but must be"),
    Case("payload_sha256", [], r"payload_sha256 is \[\], but must be of type str"),
    Case("report", {}, "report is {}, but must be {'counts': {'matchable': 5"),
    Case("arrays", [], r"the list of arrays is \[\], but must be words, word_pilots"),
    Case("arrays", [7] * 7, r"the list of arrays is \[7, 7"),
    Case("arrays", {}, "arrays is {}, but must be of type list"),
]


@pytest.mark.parametrize("case", HEADERS, ids=lambda case: f"{case.key} {case.value!r}"[:40])
def test_invalid_header_values_are_rejected(case: Case) -> None:
    data = repacked(*unpacked(), change=lambda header: header.__setitem__(case.key, case.value))
    with pytest.raises(ArtifactError, match=case.message) as caught:
        artifact_from_buffer(data)
    assert "ompile the metadata again" in str(caught.value)


@pytest.mark.parametrize("key", sorted(set(unpacked()[0]) - {"semantics_version"}))
def test_missing_header_keys_are_rejected(key: str) -> None:
    data = repacked(*unpacked(), change=lambda header: header.pop(key))
    with pytest.raises(ArtifactError, match=f"{key} is None"):
        artifact_from_buffer(data)


DESCRIPTIONS = [
    Case("dtype", "|O8", r"the dtype of words is '|O8', but must be <u8"),
    Case("dtype", ">u8", "the dtype of words is '>u8'"),
    Case("dtype", None, "the dtype of words is None"),
    Case("shape", [-1], r"the shape of words is \[-1\], but must be \[n\] with n >= 0"),
    Case("shape", [4, 4], r"the shape of words is \[4, 4\]"),
    Case("shape", [4.0], r"the shape of words is \[4.0\]"),
    Case("shape", 4, "the shape of words is 4"),
    Case("shape", [2**61], "the offset of word_pilots is .*, but must be 18446744073709551616"),
    Case("offset", 8, "the offset of words is 8, but must be 0"),
    Case("offset", 0.0, "the offset of words is 0.0, but must be 0"),
    Case("name", "fates", "the list of arrays is .'fates'"),
]


@pytest.mark.parametrize("case", DESCRIPTIONS, ids=lambda case: f"{case.key} {case.value!r}")
def test_invalid_descriptions_of_arrays_are_rejected(case: Case) -> None:
    data = repacked(*unpacked(), change=lambda header: header["arrays"][0].__setitem__(case.key, case.value))
    with pytest.raises(ArtifactError, match=case.message):
        artifact_from_buffer(data)


def put(name: str, at: int, value: int) -> Callable[[Arrays], None]:
    return lambda arrays: arrays[name].__setitem__(at, value)


def cut(name: str, length: int) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__setitem__(name, arrays[name][:length])


def longer(name: str, by: int) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__setitem__(name, np.append(arrays[name], np.zeros(by, arrays[name].dtype)))


def in_some_phrase(column: int, upper: int | None = None, lower: int | None = None) -> Callable[[Arrays], None]:
    """Set the upper or lower half of a column in each slot whose phrase is continued by an entry."""

    def change(arrays: Arrays) -> None:
        table = arrays["phrases"].reshape(-1, 2)
        inner = (table[:, KEY] != FREE_PHRASE) & (table[:, PHRASE_PAYLOAD] & np.uint64(2**32 - 1) != 0)
        assert inner.any()
        value = table[inner, column]
        value = value if upper is None else (value & np.uint64(2**32 - 1)) | np.uint64(upper << 32)
        table[inner, column] = value if lower is None else (value >> np.uint64(32) << np.uint64(32)) | np.uint64(lower)

    return change


FAR = (2**32 - 2) << 32
WORDS = len(unpacked()[1]["words"]) // 4
PHRASES = len(unpacked()[1]["phrases"]) // 2
N = len(ENTRIES)
ARRAYS: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "no words": (cut("words", 0), "the number of slots of words is 0, but must be from 1 to"),
    "a part of a word slot": (cut("words", 7), "the length of words is 7, but must be a multiple of 4"),
    "no pilots of words": (cut("word_pilots", 0), f"the length of word_pilots is 0, but must be from 1 to {WORDS}"),
    "more pilots than words": (longer("word_pilots", 99), "the length of word_pilots is 10., but must be from 1 to"),
    "no phrases": (cut("phrases", 0), "the number of slots of phrases is 0"),
    "a part of a phrase slot": (cut("phrases", 3), "the length of phrases is 3, but must be a multiple of 2"),
    "no pilots of phrases": (cut("phrase_pilots", 0), "the length of phrase_pilots is 0, but must be from 1 to"),
    "text without padding": (cut("text", 63), "the length of text is 63, but must be from 64"),
    "text cut short": (cut("text", TEXT), f"the last of entry_offsets is {TEXT}, but must be {TEXT - 64}"),
    "text not UTF-8": (put("text", 1, 0xFF), "its entries are not UTF-8"),
    "no offsets": (cut("entry_offsets", 0), f"the length of entry_offsets is 0, but must be {N + 1}"),
    "an offset less": (cut("entry_offsets", N), f"the length of entry_offsets is {N}, but must be {N + 1}"),
    "an offset more": (longer("entry_offsets", 1), f"the length of entry_offsets is {N + 2}"),
    "offsets start late": (put("entry_offsets", 0, 1), "the first of entry_offsets is 1, but must be 0"),
    "offsets start below 0": (put("entry_offsets", 0, -1), "the first of entry_offsets is -1"),
    "offsets end beyond the text": (put("entry_offsets", N, TEXT + 1), f"the last of entry_offsets is {TEXT + 1}"),
    "an offset beyond the text": (put("entry_offsets", 2, 2**40), r"entry_offsets\[3\] is .*, but must be at least"),
    "an offset below 0": (put("entry_offsets", 2, -5), r"entry_offsets\[2\] is -5, but must be at least 4, the one"),
    "an offset inside a character": (put("entry_offsets", 5, TEXT - 64), "its entries are not UTF-8"),
    "no fates": (cut("fates", 0), f"the length of entry_offsets is {N + 1}, but must be 1"),
    "an unknown fate": (put("fates", 1, 99), "the largest fate is 99, but must be from 0 to 4"),
    "another fate": (put("fates", 3, 0), "report is .* which follows from the fates"),
    "a word beyond the text": (
        put("words", SHAPE, FAR | 5),
        "the end of a word is 4294967298, but must be from -1 to",
    ),
    "a word longer than the text": (put("words", SHAPE, 2**32 - 1), "the end of a word is 4294967294"),
    "a word in the padding": (put("words", SHAPE, TEXT << 32 | 2), f"is {TEXT + 1}, but must be from -1 to {TEXT}"),
    "a longer word": (put("words", SHAPE, 62), "max_word_bytes is 60, but must be 61"),
    "an entry of a word": (put("words", PAYLOAD, (N + 1) << 32), f"an entry in words is {N}, but must be from -1 to"),
    "an entry of a phrase": (
        in_some_phrase(PHRASE_PAYLOAD, upper=2**31),
        f"an entry in phrases is 2147483647, but must be from -1 to {N - 1}",
    ),
    "a node that is a word": (in_some_phrase(PHRASE_PAYLOAD, lower=1), "a node of a phrase is 1, but must be"),
    "a node beyond all": (
        in_some_phrase(PHRASE_PAYLOAD, lower=2**32 - 1),
        f"a node of a phrase is 4294967295, but must be from {WORDS} to {WORDS + PHRASES - 1}",
    ),
    "a phrase after a node beyond all": (
        in_some_phrase(KEY, upper=2**31),
        "a node that a phrase continues is 21474836",
    ),
    "a phrase with a word beyond all": (
        in_some_phrase(KEY, lower=WORDS),
        f"the last word of a phrase is {WORDS}, but must be from 0 to {WORDS - 1}",
    ),
    "an entry of more words": (put("text", 13, 32), "max_entry_words is 4, but must be 5"),
}


@pytest.mark.parametrize("self_test", [True, False])
@pytest.mark.parametrize(("damage", "message"), ARRAYS.values(), ids=ARRAYS)
def test_invalid_arrays_are_rejected(damage: Callable[[Arrays], None], message: str, *, self_test: bool) -> None:
    header, arrays = unpacked()
    damage(arrays)
    with pytest.raises(ArtifactError, match=message) as caught:
        artifact_from_buffer(repacked(header, arrays), self_test=self_test)
    assert "ompile the metadata again" in str(caught.value)


def test_random_damage_is_rejected_or_harmless() -> None:
    """No damage leads to any other error than an `ArtifactError`, nor to a crash."""
    random = np.random.default_rng(0)
    rejected = 0
    for _ in range(300):
        header, arrays = unpacked()
        name = random.choice(list(arrays))
        raw = arrays[name].view(np.uint8)
        raw[random.integers(0, len(raw), 4)] = random.integers(0, 256, 4)
        try:
            artifact_from_buffer(repacked(header, arrays))
        except ArtifactError:
            rejected += 1
    assert rejected > 100
