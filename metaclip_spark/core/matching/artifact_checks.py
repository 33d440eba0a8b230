"""Checks of an artifact before kernels read it. Kernels address memory and check nothing themselves.

Digests prove that a file is complete, but not that a correct program wrote it: whoever changes a number in the header
can also recompute the digest. Therefore every number from which an address or a size is computed is compared with its
limit.
"""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.core.matching.tokens.build_tables import MAX_SEED
from metaclip_spark.core.matching.tokens.tables import (
    FREE_PHRASE,
    KEY,
    MAX_ENTRIES,
    MAX_NODES,
    MAX_TEXT_BYTES,
    PAYLOAD,
    PHRASE_PAYLOAD,
    PHRASE_SLOT,
    SHAPE,
    WORD_SLOT,
)
from metaclip_spark.core.word_hashing import LOW_HALF, PAD, UPPER_HALF
from metaclip_spark.errors import ArtifactError

if TYPE_CHECKING:
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.core.matching.tokens.tables import Tables

ALIGNMENT: Final = 64
"""Alignment of each array in bytes."""

COMPILE: Final = "Compile the metadata again (metaclip-spark compile)."
COPY_OR_COMPILE: Final = "Copy it again, or compile the metadata again (metaclip-spark compile)."

_SPACE: Final = 32
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
    "max_word_bytes": int,
    "metadata_digest": str,
    "max_entry_words": int,
    "payload_bytes": int,
    "payload_sha256": str,
    "report": dict,
    "seed": int,
}


def parse_header(encoded: bytes) -> dict[str, Any]:
    """Parse the header without checking its values.

    Raises:
        ArtifactError: The header is not a JSON object.
    """
    try:
        header = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"The artifact is invalid: its header is not JSON ({error}). {COMPILE}") from error
    if not isinstance(header, dict):
        raise _invalid("the header", header, "a JSON object")
    return header


def check_header(header: dict[str, Any]) -> None:
    """Check that the header's values have the right types and describe arrays that follow each other.

    Raises:
        ArtifactError: A value is wrong; names the value and what it must be.
    """
    for name, kind in _KINDS.items():
        if type(header.get(name)) is not kind:  # not isinstance, which takes true for an int
            raise _invalid(name, header.get(name), f"of type {kind.__name__}")
    _check_range("seed", header["seed"], 0, MAX_SEED)
    names = [about.get("name") if isinstance(about, dict) else about for about in header["arrays"]]
    if names != list(_DTYPES):
        raise _invalid("the list of arrays", names, ", ".join(_DTYPES))
    offset = 0
    for about, (name, dtype) in zip(header["arrays"], _DTYPES.items(), strict=True):
        shape = about.get("shape")
        if not (type(shape) is list and len(shape) == 1 and type(shape[0]) is int and shape[0] >= 0):
            raise _invalid(f"the shape of {name}", shape, "[n] with n >= 0")
        for key, expected in (("dtype", dtype), ("offset", offset)):
            if type(about.get(key)) is not type(expected) or about[key] != expected:
                raise _invalid(f"the {key} of {name}", about.get(key), str(expected))
        offset += -(-shape[0] * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
    if header["payload_bytes"] != offset:
        raise _invalid("payload_bytes", header["payload_bytes"], f"{offset}, the size of the arrays")


def check_arrays(compiled: CompiledMetadata, report: dict[str, Any]) -> None:
    """Check that kernels and `CompiledMetadata.entry` stay inside the arrays and miss no match.

    Args:
        compiled: Metadata with the arrays of the artifact.
        report: Report on the fates of the entries, as recorded in the header.

    Raises:
        ArtifactError: A number is outside its limits; names the value and its limit.
    """
    _check_entries(compiled, report)
    _check_words(compiled.tables, compiled.n_entries)
    _check_phrases(compiled.tables, compiled.n_entries)
    _check_max_entry_words(compiled)


def _check_entries(compiled: CompiledMetadata, report: dict[str, Any]) -> None:
    offsets, text = compiled.entry_offsets, compiled.tables.text
    _check_range("the length of text", len(text), PAD, MAX_TEXT_BYTES + PAD)
    _check_range("the number of entries", compiled.n_entries, 0, MAX_ENTRIES)
    if len(offsets) != compiled.n_entries + 1:
        raise _invalid("the length of entry_offsets", len(offsets), f"{compiled.n_entries + 1}, one more than fates")
    for which, value, expected in (("first", offsets[0], 0), ("last", offsets[-1], len(text) - PAD)):
        if value != expected:
            raise _invalid(f"the {which} of entry_offsets", int(value), str(expected))
    descents = np.flatnonzero(offsets[1:] < offsets[:-1])
    if len(descents):
        at = int(descents[0])
        raise _invalid(f"entry_offsets[{at + 1}]", int(offsets[at + 1]), f"at least {int(offsets[at])}, the one before")
    try:
        entries = pa.LargeStringArray.from_buffers(compiled.n_entries, pa.py_buffer(offsets), pa.py_buffer(text))
        entries.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ArtifactError(f"The artifact is invalid: its entries are not UTF-8 ({error}). {COMPILE}") from error
    _check_range("the largest fate", int(compiled.fates.max(initial=0)), 0, max(EntryFate))
    if report != compiled.report.as_dict():
        raise _invalid("report", report, f"{compiled.report.as_dict()}, which follows from the fates")


def _check_words(tables: Tables, n_entries: int) -> None:
    slots = _check_slots("words", len(tables.words), WORD_SLOT)
    _check_range("the length of word_pilots", len(tables.word_pilots), 1, slots)
    shape = tables.words[SHAPE::WORD_SLOT]
    length_and_1 = shape & LOW_HALF
    end_and_1 = (shape >> UPPER_HALF) + length_and_1
    _check_range("the end of a word", int(end_and_1.max()) - 1, -1, len(tables.text) - PAD)
    longest = max(int(length_and_1.max()) - 1, 0)
    if tables.max_word_bytes != longest:
        raise _invalid("max_word_bytes", tables.max_word_bytes, f"{longest}, the length of the longest word")
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
    node = node[node != 0]  # 0: no entry continues the phrase
    if len(node):
        _check_range("a node of a phrase", int(node.min()), words, nodes - 1)
        _check_range("a node of a phrase", int(node.max()), words, nodes - 1)
    key = tables.phrases[KEY::PHRASE_SLOT]
    key = key[key != FREE_PHRASE]
    if len(key):
        _check_range("a node that a phrase continues", int((key >> UPPER_HALF).max()), 0, nodes - 1)
        _check_range("the last word of a phrase", int((key & LOW_HALF).max()), 0, words - 1)


def _check_max_entry_words(compiled: CompiledMetadata) -> None:
    """Check the number of words exactly: the size of the scratch and the overlap of windows depend on it."""
    spaces = np.flatnonzero(compiled.tables.text == _SPACE)
    words = np.diff(np.searchsorted(spaces, compiled.entry_offsets)) + 1
    expected = int(words[compiled.fates == EntryFate.MATCHABLE].max(initial=1))
    if compiled.tables.max_entry_words != expected:
        raise _invalid("max_entry_words", compiled.tables.max_entry_words, f"{expected}, as the entries have")


def _check_slots(name: str, length: int, width: int) -> int:
    if length % width:
        raise _invalid(f"the length of {name}", length, f"a multiple of {width}")
    _check_range(f"the number of slots of {name}", length // width, 1, MAX_NODES)
    return length // width


def _check_range(name: str, value: int, minimum: int, maximum: int) -> None:
    if not minimum <= value <= maximum:
        raise _invalid(name, value, f"from {minimum} to {maximum}")


def _invalid(name: str, value: object, limit: str) -> ArtifactError:
    return ArtifactError(f"The artifact is invalid: {name} is {reprlib.repr(value)}, but must be {limit}. {COMPILE}")
