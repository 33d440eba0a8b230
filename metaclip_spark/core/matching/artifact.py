"""Compiled metadata as one file that can be mapped: no pickle, no copy, and no chance of a wrong file going unnoticed.

Layout, all numbers little-endian:

| offset | bytes | what |
|---|---|---|
| 0 | 8 | magic `MCLPSPRK` |
| 8 | 4 | format version |
| 12 | 4 | length of the header |
| 16 | 32 | SHA-256 of the header: the artifact's digest |
| 48 | length | header: JSON in UTF-8 with sorted keys |
| … | | zeros up to the next multiple of 64 |
| | | arrays, each at a multiple of 64 bytes, zeros between them |

The header holds the SHA-256 of all that follows it, so that the digest in the prologue names the whole content.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.entry_list import EntryFate, EntryReport
from metaclip_spark.core.matching.artifact_checks import ALIGNMENT, REMEDY, check_arrays, check_header, parse_header
from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.spacing import PUNCTUATION, SEMANTICS_VERSION
from metaclip_spark.core.word_hashing import Tables
from metaclip_spark.errors import ArtifactError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from numpy.typing import NDArray

FORMAT_VERSION: Final = 1
"""Raised whenever the layout, the word hash or the meaning of an array changes."""

_MAGIC: Final = b"MCLPSPRK"
_PROLOGUE: Final = struct.Struct("<8sII32s")
_SELF_TEST_ENTRIES: Final = 64


def artifact_digest(compiled: CompiledMetadata) -> str:
    """Name of the artifact's content, 64 hex digits; changes with the list, the seed and the format version."""
    return hashlib.sha256(_header_of(compiled)).hexdigest()


def _header_of(compiled: CompiledMetadata) -> bytes:
    payload = hashlib.sha256()
    described: list[dict[str, Any]] = []
    offset = 0
    for name, array in _arrays(compiled).items():
        described.append({"name": name, "dtype": array.dtype.str, "shape": list(array.shape), "offset": offset})
        for piece in _aligned(array):
            payload.update(piece)
            offset += len(piece)
    tables = compiled.tables
    header = {
        "arrays": described,
        "language": compiled.language,
        "longest_word": tables.longest_word,
        "metadata_digest": compiled.metadata_digest,
        "most_words": tables.most_words,
        "payload_bytes": offset,
        "payload_sha256": payload.hexdigest(),
        "report": compiled.report.as_dict(),
        "seed": compiled.seed,
        "semantics_version": SEMANTICS_VERSION,
    }
    return json.dumps(header, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def artifact_to_bytes(compiled: CompiledMetadata) -> bytes:
    """Compiled metadata in the form of this module; equal metadata and seed give equal bytes.

    Returns:
        About 60 bytes an entry for the English list.
    """
    header = _header_of(compiled)
    prologue = _PROLOGUE.pack(_MAGIC, FORMAT_VERSION, len(header), hashlib.sha256(header).digest())
    parts: list[memoryview | bytes] = [prologue, header, bytes(-(len(prologue) + len(header)) % ALIGNMENT)]
    for array in _arrays(compiled).values():
        parts += _aligned(array)
    return b"".join(parts)


def artifact_from_buffer(
    buffer: bytes | bytearray | memoryview | mmap.mmap,
    *,
    expect_digest: str | None = None,
    self_test: bool = True,
) -> CompiledMetadata:
    """Use an artifact where it lies; nothing is copied, so a mapped file is shared by all processes that map it.

    Whatever the bytes, what this gives is safe to match with: `artifact_checks` looks at all that kernels rely on.

    Args:
        buffer: the artifact's bytes: `bytes`, a `memoryview` or an `mmap` that stays open. More bytes may follow.
        expect_digest: refuse any artifact but the one of this `artifact_digest`.
        self_test: recompute the payload's digest and match some of the entries: some 30 ms for the English list, after
            40 ms for the checks. Leave it out only where the same process has tested the same file.

    Returns:
        Compiled metadata whose arrays are views of `buffer`.

    Raises:
        ArtifactError: truncated, corrupted, of another format or semantics version, another one than expected, unsound,
            or failing the self-test.
    """
    view = memoryview(buffer).cast("B")
    encoded = _read_header(view, expect_digest)
    header = parse_header(encoded)
    _check_semantics(header)
    check_header(header)
    start = -(-(_PROLOGUE.size + len(encoded)) // ALIGNMENT) * ALIGNMENT
    payload = view[start : start + header["payload_bytes"]]
    if len(payload) < header["payload_bytes"]:
        raise ArtifactError(
            f"artifact is truncated: it has {len(view):,} bytes of {start + header['payload_bytes']:,}: copy it again, "
            f"or {REMEDY}"
        )
    if self_test:
        _check_digest("payload", hashlib.sha256(payload).hexdigest(), header["payload_sha256"])
    compiled = _use_arrays(header, payload)
    check_arrays(compiled, header["report"])
    if self_test:
        _check_matches(compiled)
    return compiled


def _use_arrays(header: dict[str, Any], payload: memoryview) -> CompiledMetadata:
    arrays = {
        about["name"]: read_only(
            np.frombuffer(payload, np.dtype(about["dtype"]), count=about["shape"][0], offset=about["offset"])
        )
        for about in header["arrays"]
    }
    return CompiledMetadata(
        language=header["language"],
        metadata_digest=header["metadata_digest"],
        report=EntryReport.from_fates(arrays["fates"]),
        tables=Tables(
            words=arrays["words"],
            word_pilots=arrays["word_pilots"],
            phrases=arrays["phrases"],
            phrase_pilots=arrays["phrase_pilots"],
            text=arrays["text"],
            seed=np.uint64(header["seed"]),
            longest_word=header["longest_word"],
            most_words=header["most_words"],
        ),
        entry_offsets=arrays["entry_offsets"],
        fates=arrays["fates"],
    )


def _arrays(compiled: CompiledMetadata) -> dict[str, NDArray[Any]]:
    """The arrays in the order of the file, in the byte order of the file."""
    arrays: dict[str, NDArray[Any]] = {
        "words": compiled.tables.words,
        "word_pilots": compiled.tables.word_pilots,
        "phrases": compiled.tables.phrases,
        "phrase_pilots": compiled.tables.phrase_pilots,
        "text": compiled.tables.text,
        "entry_offsets": compiled.entry_offsets,
        "fates": compiled.fates,
    }
    return {name: array.astype(array.dtype.newbyteorder("<"), copy=False) for name, array in arrays.items()}


def _aligned(array: NDArray[Any]) -> Iterator[memoryview | bytes]:
    data = array.view(np.uint8).data
    yield data
    yield bytes(-len(data) % ALIGNMENT)


def _read_header(view: memoryview, expect_digest: str | None) -> bytes:
    if len(view) < _PROLOGUE.size:
        raise ArtifactError(
            f"artifact is truncated: {len(view)} bytes, its prologue alone has {_PROLOGUE.size}: {REMEDY}"
        )
    magic, version, length, digest = _PROLOGUE.unpack_from(view)
    if magic != _MAGIC:
        raise ArtifactError(f"not an artifact: it begins with {magic!r} instead of {_MAGIC!r}: {REMEDY}")
    if version != FORMAT_VERSION:
        raise ArtifactError(f"artifact has format version {version}, this program reads {FORMAT_VERSION}: {REMEDY}")
    header = bytes(view[_PROLOGUE.size : _PROLOGUE.size + length])
    if len(header) < length:
        raise ArtifactError(f"artifact is truncated: its header has {len(header)} bytes of {length}: {REMEDY}")
    _check_digest("header", hashlib.sha256(header).hexdigest(), digest.hex())
    if expect_digest is not None and digest.hex() != expect_digest:
        raise ArtifactError(f"artifact has digest {digest.hex()}, expected {expect_digest}: pass that one, or {REMEDY}")
    return header


def _check_semantics(header: dict[str, Any]) -> None:
    if header.get("semantics_version") != SEMANTICS_VERSION:
        raise ArtifactError(
            f"artifact follows semantics version {header.get('semantics_version')!r}, this program "
            f"{SEMANTICS_VERSION}: {REMEDY}"
        )


def _check_digest(part: str, found: str, recorded: str) -> None:
    if found != recorded:
        raise ArtifactError(
            f"artifact is corrupt: its {part} has SHA-256 {found}, recorded was {recorded}: copy it again, or {REMEDY}"
        )


def _check_matches(compiled: CompiledMetadata) -> None:
    """Match some of the entries as captions: kernels that hash otherwise than those that built the tables find nothing.

    Entries with punctuation are left out, because a caption of that text is spaced into another.
    """
    matchable = np.flatnonzero(compiled.fates == EntryFate.MATCHABLE)
    sample = matchable[:: max(1, len(matchable) // _SELF_TEST_ENTRIES)]
    known = [(int(i), compiled.entry(int(i))) for i in sample]
    known = [(i, entry) for i, entry in known if not any(mark in entry for mark in PUNCTUATION.decode())]
    found = Matcher(compiled).match_batch(pa.array([entry for _, entry in known], pa.string())).to_pylist()
    for (entry_id, entry), ids in zip(known, found, strict=True):
        if entry_id not in ids:
            raise ArtifactError(
                f"artifact fails its self-test: the caption {entry!r} matches entries {ids}, but not entry {entry_id}, "
                f"which is that text: {REMEDY}"
            )
