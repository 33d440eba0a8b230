"""Artifact: compiled metadata as one file that can be memory-mapped. It contains no pickle and is read without a copy.

Layout (all numbers are little-endian):

| offset | bytes | content |
|---|---|---|
| 0 | 8 | magic `MCLPSPRK` |
| 8 | 4 | format version |
| 12 | 4 | length of the header |
| 16 | 32 | SHA-256 of the header: the digest of the artifact |
| 48 | length | header: JSON in UTF-8 with sorted keys |
| … | | zeros up to the next multiple of 64 |
| | | arrays, each at a multiple of 64 bytes, with zeros between them |

The header contains the SHA-256 of everything after it, so that the digest in the prologue identifies the complete
content.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.core.entry_list import EntryFate, EntryReport
from metaclip_spark.core.matching.artifact_checks import (
    ALIGNMENT,
    COMPILE,
    COPY_OR_COMPILE,
    check_arrays,
    check_header,
    parse_header,
)
from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.tokens.tables import Tables
from metaclip_spark.core.spacing import PUNCTUATION, SEMANTICS_VERSION
from metaclip_spark.errors import ArtifactError
from metaclip_spark.host.kernel_cache import read_only

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from numpy.typing import NDArray

FORMAT_VERSION: Final = 2
"""Increase it whenever the layout, a header key, the word hash or the meaning of an array changes."""

_MAGIC: Final = b"MCLPSPRK"
_PROLOGUE: Final = struct.Struct("<8sII32s")
_SELF_TEST_ENTRIES: Final = 64


def artifact_digest(compiled: CompiledMetadata) -> str:
    """Return the digest (64 hex digits) of an artifact's entries, language, seed and semantics, which identifies it."""
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
        "max_word_bytes": tables.max_word_bytes,
        "metadata_digest": compiled.metadata_digest,
        "max_entry_words": tables.max_entry_words,
        "payload_bytes": offset,
        "payload_sha256": payload.hexdigest(),
        "report": compiled.report.as_dict(),
        "seed": compiled.seed,
        "semantics_version": SEMANTICS_VERSION,
    }
    return json.dumps(header, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def artifact_to_bytes(compiled: CompiledMetadata) -> bytes:
    """Return the bytes of an artifact, about 60 per entry for the English metadata.

    Equal entries, language and seed give equal bytes.
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
    """Open an artifact without copying it, so that all processes that map the file share its memory.

    The result is safe to match with, whatever the bytes: `artifact_checks` verifies everything that kernels rely on.

    Args:
        buffer: Bytes of the artifact: `bytes`, a `memoryview` or an `mmap` that stays open. More bytes may follow.
        expect_digest: Accept only the artifact with this `artifact_digest`.
        self_test: Recompute the digest of the payload and match some of the entries. This takes about 30 ms for the
            English metadata, in addition to 40 ms for the checks. Skip it only if this process has tested the same
            file before.

    Returns:
        Compiled metadata whose arrays are views of `buffer`.

    Raises:
        ArtifactError: The artifact is truncated, corrupt or invalid, has another format version, semantics version or
            digest, or fails the self-test.
    """
    view = memoryview(buffer).cast("B")
    encoded = _read_header(view, expect_digest)
    header = parse_header(encoded)
    _check_semantics_version(header)
    check_header(header)
    start = -(-(_PROLOGUE.size + len(encoded)) // ALIGNMENT) * ALIGNMENT
    payload = view[start : start + header["payload_bytes"]]
    if len(payload) < header["payload_bytes"]:
        raise ArtifactError(
            f"The artifact is truncated: it has {len(view):,} bytes of {start + header['payload_bytes']:,}. "
            f"{COPY_OR_COMPILE}"
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
            max_word_bytes=header["max_word_bytes"],
            max_entry_words=header["max_entry_words"],
        ),
        entry_offsets=arrays["entry_offsets"],
        fates=arrays["fates"],
    )


def _arrays(compiled: CompiledMetadata) -> dict[str, NDArray[Any]]:
    """Return the arrays in the order and the byte order of the file."""
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
            f"The artifact is truncated: {len(view)} bytes, while its prologue alone has {_PROLOGUE.size}. "
            f"{COPY_OR_COMPILE}"
        )
    magic, version, length, digest = _PROLOGUE.unpack_from(view)
    if magic != _MAGIC:
        raise ArtifactError(f"The file is not an artifact: it starts with {magic!r} instead of {_MAGIC!r}. {COMPILE}")
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"The artifact has format version {version}, but this program reads version {FORMAT_VERSION}. {COMPILE}"
        )
    header = bytes(view[_PROLOGUE.size : _PROLOGUE.size + length])
    if len(header) < length:
        raise ArtifactError(
            f"The artifact is truncated: its header has {len(header)} bytes of {length}. {COPY_OR_COMPILE}"
        )
    _check_digest("header", hashlib.sha256(header).hexdigest(), digest.hex())
    if expect_digest is not None and digest.hex() != expect_digest:
        raise ArtifactError(
            f"The artifact has digest {digest.hex()}, but {expect_digest} was expected. Pass the expected artifact, or "
            "compile the metadata again (metaclip-spark compile)."
        )
    return header


def _check_semantics_version(header: dict[str, Any]) -> None:
    if header.get("semantics_version") != SEMANTICS_VERSION:
        raise ArtifactError(
            f"The artifact follows semantics version {header.get('semantics_version')!r}, but this program follows "
            f"version {SEMANTICS_VERSION}. {COMPILE}"
        )


def _check_digest(part: str, found: str, recorded: str) -> None:
    if found != recorded:
        raise ArtifactError(
            f"The artifact is corrupt: its {part} has SHA-256 {found} instead of the recorded {recorded}. "
            f"{COPY_OR_COMPILE}"
        )


def _check_matches(compiled: CompiledMetadata) -> None:
    """Match some of the entries as captions. Kernels whose hash differs from that of the tables would find nothing.

    Entries with punctuation are left out, because spacing changes a caption that contains punctuation.
    """
    matchable = np.flatnonzero(compiled.fates == EntryFate.MATCHABLE)
    sample = matchable[:: max(1, len(matchable) // _SELF_TEST_ENTRIES)]
    known = [(int(i), compiled.entry(int(i))) for i in sample]
    known = [(i, entry) for i, entry in known if not any(mark in entry for mark in PUNCTUATION.decode())]
    found = Matcher(compiled).match_batch(pa.array([entry for _, entry in known], pa.string())).to_pylist()
    for (entry_id, entry), ids in zip(known, found, strict=True):
        if entry_id not in ids:
            raise ArtifactError(
                f"The artifact fails its self-test: the caption {entry!r} matches entries {ids}, but not entry "
                f"{entry_id}, which is the same text. {COMPILE}"
            )
