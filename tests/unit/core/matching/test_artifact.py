"""Artifacts: their content, and the rejection of truncated, corrupt or different files."""

from __future__ import annotations

import dataclasses
import json
import mmap
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from metaclip_spark.core.entry_list import metadata_digest
from metaclip_spark.core.matching import artifact
from metaclip_spark.core.matching.artifact import artifact_digest, artifact_from_buffer, artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

ENTRIES = ["york", "new york", "St. Louis", "", "york", "été", "a \t b", "  x", "x" * 60]


@pytest.fixture(scope="module")
def compiled() -> CompiledMetadata:
    return compile_metadata(ENTRIES, language="fr", seed=7)


@pytest.fixture(scope="module")
def data(compiled: CompiledMetadata) -> bytes:
    return artifact_to_bytes(compiled)


def test_round_trip(compiled: CompiledMetadata, data: bytes) -> None:
    loaded = artifact_from_buffer(data, expect_digest=artifact_digest(compiled))
    assert artifact_to_bytes(loaded) == data
    assert (loaded.language, loaded.seed, loaded.n_entries) == ("fr", 7, len(ENTRIES))
    assert loaded.entries(range(len(ENTRIES))) == ENTRIES
    assert loaded.report == compiled.report
    assert artifact_digest(loaded) == artifact_digest(compiled)
    assert loaded.metadata_digest == metadata_digest(ENTRIES)
    assert Matcher(loaded).match("new york, été") == [0, 1, 5]


def test_no_entries() -> None:
    loaded = artifact_from_buffer(artifact_to_bytes(compile_metadata([])))
    assert loaded.n_entries == 0
    assert Matcher(loaded).match("a") == []


def test_mapped_without_a_copy(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "artifact"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        loaded = artifact_from_buffer(mapped)
        file_bytes = np.frombuffer(mapped, np.uint8)
        for array in (*loaded.tables[:5], loaded.entry_offsets, loaded.fates):
            assert np.shares_memory(array, file_bytes)
            assert not array.flags.writeable
            assert array.ctypes.data % 64 == 0
        assert Matcher(loaded).match("new york") == [0, 1]
        del loaded, array, file_bytes  # the map cannot be closed while arrays refer to it


def test_bytes_depend_on_entries_language_and_seed_only(data: bytes) -> None:
    assert artifact_to_bytes(compile_metadata(list(ENTRIES), language="fr", seed=7)) == data
    others = [
        compile_metadata(ENTRIES, language="fr"),
        compile_metadata(ENTRIES, seed=7),
        compile_metadata(ENTRIES[1:]),
    ]
    assert len({artifact_digest(c) for c in others} | {artifact_digest(artifact_from_buffer(data))}) == 4


def with_version(data: bytes, version: int) -> bytes:
    return data[:8] + struct.pack("<I", version) + data[12:]


DAMAGED = {
    "nothing": (lambda _: b"", "truncated: 0 bytes"),
    "half a prologue": (lambda d: d[:20], "truncated: 20 bytes"),
    "another file": (lambda d: b"PAR1" + d[4:], "starts with b'PAR1SPRK' instead of b'MCLPSPRK'"),
    "another format version": (lambda d: with_version(d, 99), "format version 99, but this program reads version 2"),
    "half a header": (lambda d: d[:100], "its header has 52 bytes of"),
    "a bit in the header": (
        lambda d: d[:60] + bytes([d[60] ^ 1]) + d[61:],
        "header has SHA-256 .* instead of",
    ),
    "half the arrays": (lambda d: d[: len(d) // 2 + 500], "truncated"),
    "one byte short": (lambda d: d[:-1], "truncated"),
    "a bit in the last array": (
        lambda d: d[:-64] + bytes([d[-64] ^ 1]) + d[-63:],
        "payload has SHA-256 .* instead of",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_rejected(data: bytes, damage, message: str) -> None:  # noqa: ANN001 - bytes to bytes
    with pytest.raises(ArtifactError, match=message) as caught:
        artifact_from_buffer(damage(data))
    assert "ompile the metadata again" in str(caught.value)


def test_every_flipped_byte_is_detected(data: bytes) -> None:
    header_end = 48 + struct.unpack_from("<I", data, 12)[0]
    padding = range(header_end, -(-header_end // 64) * 64)  # zeros between the header and the arrays
    for position in range(0, len(data), 7):
        if position not in padding:
            flipped = bytearray(data)
            flipped[position] ^= 0x10
            with pytest.raises(ArtifactError):
                artifact_from_buffer(flipped)


def test_artifact_with_another_digest_is_rejected(compiled: CompiledMetadata, data: bytes) -> None:
    other = artifact_digest(compile_metadata(["x"]))
    with pytest.raises(ArtifactError, match=f"{artifact_digest(compiled)}, but {other} was expected"):
        artifact_from_buffer(data, expect_digest=other)


def test_other_semantics_version_is_rejected(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "SEMANTICS_VERSION", 2)
    with pytest.raises(ArtifactError, match="semantics version 1, but this program follows version 2"):
        artifact_from_buffer(data)


def test_self_test_detects_tables_of_another_hash(compiled: CompiledMetadata) -> None:
    """The digests are correct, as after a change of the word hash without a new format version."""
    tables = compiled.tables._replace(seed=np.uint64(8))
    data = artifact_to_bytes(dataclasses.replace(compiled, tables=tables))
    with pytest.raises(ArtifactError, match="fails its self-test: the caption 'york' matches entries"):
        artifact_from_buffer(data)


def test_header_is_readable_json(data: bytes) -> None:
    length = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[48 : 48 + length])
    assert header["report"]["counts"] == {"matchable": 5, "blank": 1, "repeated": 1, "control": 1, "unmatchable": 1}
    assert all(array["offset"] % 64 == 0 for array in header["arrays"])
