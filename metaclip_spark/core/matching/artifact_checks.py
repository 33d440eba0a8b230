"""What has to hold of an artifact before kernels read it: they address memory, and check nothing themselves.

Digests say that a file is whole. That a sound program wrote it, they do not: whoever changes a number in the header can
compute its digest anew. Every number that an address or a size is computed from is therefore compared with its limit.
"""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.core.matching.compiled_metadata import MAX_ENTRIES, MAX_NODES, MAX_TEXT
from metaclip_spark.core.word_hashing import (
    FREE_PHRASE,
    KEY,
    LOW_HALF,
    PAD,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    SHAPE,
    UPPER_HALF,
    WORD_SLOT,
)
from metaclip_spark.errors import ArtifactError

if TYPE_CHECKING:
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.core.word_hashing import Tables

ALIGNMENT: Final = 64
"""Bytes of which each array's offset is a multiple."""

REMEDY: Final = "compile the metadata again (metaclip-spark compile)"

_SPACE: Final = 32
_MAX_SEED: Final = 2**64
_DTYPES: Final = {
    "words": "<u8",
    "word_pilots": "<u2",
    "phrases": "<u8",
    "phrase_pilots": "<u2",
    "text": "|u1",
    "entry_offsets": "<i8",
    "fates": "|u1",
}
_KINDS: Final = {
    "arrays": list,
    "language": str,
    "longest_word": int,
    "metadata_digest": str,
    "most_words": int,
    "payload_bytes": int,
    "payload_sha256": str,
    "report": dict,
    "seed": int,
}


def parse_header(encoded: bytes) -> dict[str, Any]:
    """The header as a dictionary, whatever is in it.

    Raises:
        ArtifactError: it is no JSON object.
    """
    try:
        header = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"artifact is unsound: its header is not JSON: {error}: {REMEDY}") from error
    if not isinstance(header, dict):
        raise _unsound("the header", header, "a JSON object")
    return header


def check_header(header: dict[str, Any]) -> None:
    """Make sure that the header's values are of the right kind and describe arrays that lie one after the other.

    Raises:
        ArtifactError: they are not; names the value and what it has to be.
    """
    for name, kind in _KINDS.items():
        if type(header.get(name)) is not kind:  # not isinstance: true is no number here
            raise _unsound(name, header.get(name), f"of type {kind.__name__}")
    _check_range("seed", header["seed"], 0, _MAX_SEED - 1)
    names = [about.get("name") if isinstance(about, dict) else about for about in header["arrays"]]
    if names != list(_DTYPES):
        raise _unsound("the list of arrays", names, ", ".join(_DTYPES))
    offset = 0
    for about, (name, dtype) in zip(header["arrays"], _DTYPES.items(), strict=True):
        shape = about.get("shape")
        if not (type(shape) is list and len(shape) == 1 and type(shape[0]) is int and shape[0] >= 0):
            raise _unsound(f"the shape of {name}", shape, "[n] with n >= 0")
        for key, expected in (("dtype", dtype), ("offset", offset)):
            if type(about.get(key)) is not type(expected) or about[key] != expected:
                raise _unsound(f"the {key} of {name}", about.get(key), str(expected))
        offset += -(-shape[0] * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
    if header["payload_bytes"] != offset:
        raise _unsound("payload_bytes", header["payload_bytes"], f"{offset}, as the arrays say")


def check_arrays(compiled: CompiledMetadata, report: dict[str, Any]) -> None:
    """Make sure that kernels and `CompiledMetadata.entry` stay inside the arrays, and find whatever there is.

    Args:
        compiled: arrays as they were found.
        report: what the header says of the entries' fates.

    Raises:
        ArtifactError: they would not; names the value and its limit.
    """
    _check_entries(compiled, report)
    _check_words(compiled.tables, compiled.n_entries)
    _check_phrases(compiled.tables, compiled.n_entries)
    _check_most_words(compiled)


def _check_entries(compiled: CompiledMetadata, report: dict[str, Any]) -> None:
    offsets, text = compiled.entry_offsets, compiled.tables.text
    _check_range("the length of text", len(text), PAD, MAX_TEXT + PAD - 1)
    _check_range("the number of entries", compiled.n_entries, 0, MAX_ENTRIES)
    if len(offsets) != compiled.n_entries + 1:
        raise _unsound("the length of entry_offsets", len(offsets), f"{compiled.n_entries + 1}, one more than of fates")
    for which, value, expected in (("first", offsets[0], 0), ("last", offsets[-1], len(text) - PAD)):
        if value != expected:
            raise _unsound(f"the {which} of entry_offsets", int(value), str(expected))
    descents = np.flatnonzero(offsets[1:] < offsets[:-1])
    if len(descents):
        at = int(descents[0])
        raise _unsound(f"entry_offsets[{at + 1}]", int(offsets[at + 1]), f"at least {int(offsets[at])}, the one before")
    try:
        entries = pa.LargeStringArray.from_buffers(compiled.n_entries, pa.py_buffer(offsets), pa.py_buffer(text))
        entries.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ArtifactError(f"artifact is unsound: its entries are not UTF-8: {error}: {REMEDY}") from error
    _check_range("a fate", int(compiled.fates.max(initial=0)), 0, max(EntryFate))
    if report != compiled.report.as_dict():
        raise _unsound("report", report, f"{compiled.report.as_dict()}, as the fates say")


def _check_words(tables: Tables, n_entries: int) -> None:
    slots = _check_slots("words", len(tables.words), WORD_SLOT)
    _check_range("the length of word_pilots", len(tables.word_pilots), 1, slots)
    shape = tables.words[SHAPE::WORD_SLOT]
    length_and_1 = shape & LOW_HALF
    end_and_1 = (shape >> UPPER_HALF) + length_and_1
    _check_range("the end of a word", int(end_and_1.max()) - 1, -1, len(tables.text) - PAD)
    longest = max(int(length_and_1.max()) - 1, 0)
    if tables.longest_word != longest:
        raise _unsound("longest_word", tables.longest_word, f"{longest}, as words say")
    _check_range(
        "an entry in words", int((tables.words[PAYLOAD::WORD_SLOT] >> UPPER_HALF).max()) - 1, -1, n_entries - 1
    )


def _check_phrases(tables: Tables, n_entries: int) -> None:
    slots = _check_slots("phrases", len(tables.phrases), PHRASE_SLOT)
    _check_range("the length of phrase_pilots", len(tables.phrase_pilots), 1, slots)
    payload = tables.phrases[PHRASE_PAYLOAD::PHRASE_SLOT]
    _check_range("an entry in phrases", int((payload >> UPPER_HALF).max()) - 1, -1, n_entries - 1)
    words = len(tables.words) // WORD_SLOT
    nodes = words + slots
    node = payload & LOW_HALF
    node = node[node != 0]  # 0: nothing continues the phrase
    if len(node):
        _check_range("a node of a phrase", int(node.min()), words, nodes - 1)
        _check_range("a node of a phrase", int(node.max()), words, nodes - 1)
    key = tables.phrases[KEY::PHRASE_SLOT]
    key = key[key != FREE_PHRASE]
    if len(key):
        _check_range("a node that a phrase continues", int((key >> UPPER_HALF).max()), 0, nodes - 1)
        _check_range("the last word of a phrase", int((key & LOW_HALF).max()), 0, words - 1)


def _check_most_words(compiled: CompiledMetadata) -> None:
    """Scratch memory and the overlap of windows follow from it: neither more nor less than there are will do."""
    spaces = np.flatnonzero(compiled.tables.text == _SPACE)
    words = np.diff(np.searchsorted(spaces, compiled.entry_offsets)) + 1
    most = int(words[compiled.fates == EntryFate.MATCHABLE].max(initial=1))
    if compiled.tables.most_words != most:
        raise _unsound("most_words", compiled.tables.most_words, f"{most}, as the entries say")


def _check_slots(name: str, length: int, width: int) -> int:
    if length % width:
        raise _unsound(f"the length of {name}", length, f"a multiple of {width}")
    _check_range(f"the number of slots of {name}", length // width, 1, MAX_NODES - 1)
    return length // width


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _unsound(name, value, f"from {least} to {most}")


def _unsound(name: str, value: object, limit: str) -> ArtifactError:
    return ArtifactError(f"artifact is unsound: {name} is {reprlib.repr(value)}, it has to be {limit}: {REMEDY}")
