"""Equality of the compiled matcher with pyahocorasick, which the published pipeline uses, on real captions."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark import example
from metaclip_spark.core.entry_list import EntryFate, parse_text
from metaclip_spark.core.matching.artifact import artifact_from_buffer, artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.spacing import space_caption
from metaclip_spark.metadata.read_metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@pytest.fixture(scope="module")
def large_metadata(shared_data: Path) -> CompiledMetadata:
    """481,036 entries."""
    entries = parse_text(gzip.decompress((shared_data / "metadata/en_481k.txt.gz").read_bytes()))
    return artifact_from_buffer(artifact_to_bytes(compile_metadata(entries)))


@pytest.fixture(scope="module")
def large_peer(large_metadata: CompiledMetadata) -> ahocorasick.Automaton:
    return peer_of(large_metadata)


def peer_of(metadata: CompiledMetadata) -> ahocorasick.Automaton:
    """Return an automaton of the same entries. It takes text only: each byte becomes the character of its number."""
    automaton = ahocorasick.Automaton()
    fates = metadata.fates
    for entry_id, entry in enumerate(metadata.entries(range(metadata.n_entries))):
        if fates[entry_id] == EntryFate.MATCHABLE:
            automaton.add_word((b" " + entry.encode() + b" ").decode("latin-1"), entry_id)
    automaton.make_automaton()
    return automaton


def check_every_caption(captions: list[bytes], metadata: CompiledMetadata, peer: ahocorasick.Automaton) -> int:
    """Check that both match the same entries in every caption, and return the number of matches."""
    matched = Matcher(metadata).match_batch(pa.array(captions, pa.binary())).to_pylist()
    for caption, ids in zip(captions, matched, strict=True):
        expected = {entry_id for _, entry_id in peer.iter(space_caption(caption).decode("latin-1"))}
        assert ids == sorted(expected), caption
    return sum(map(len, matched))


def test_equal_on_the_embedded_example() -> None:
    """86,654 entries and 48,223 sentences, which come with the package."""
    metadata = read_metadata(example.metadata_path())
    captions = [text.encode() for text in example.pool_table()["text"].to_pylist()]
    assert (metadata.n_entries, len(captions)) == (86_654, 48_223)
    assert check_every_caption(captions, metadata, peer_of(metadata)) > 150_000


def column(name: str) -> Callable[[Path], list[bytes]]:
    """Return a reader of one Parquet column, without its nulls."""
    return lambda path: [
        text.encode() for text in pq.read_table(path, columns=[name])[name].to_pylist() if text is not None
    ]


def lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")


CAPTIONS = {
    "laion_10k.parquet": (column("TEXT"), 10_000),
    "html_alt.parquet": (column("alt"), 50_000),
    "multi30k_en.txt.gz": (lines, 20_000),
    "multi30k_de.txt.gz": (lines, 20_000),
    "coco_cn_zh.txt": (lines, 4_700),
}


@pytest.mark.parametrize(("name", "read", "min_captions"), [(n, *r) for n, r in CAPTIONS.items()], ids=CAPTIONS)
def test_equal_on_shared_captions(
    name: str,
    read: Callable[[Path], list[bytes]],
    min_captions: int,
    shared_data: Path,
    large_metadata: CompiledMetadata,
    large_peer: ahocorasick.Automaton,
) -> None:
    captions = read(shared_data / "captions" / name)
    assert len(captions) >= min_captions
    check_every_caption(captions, large_metadata, large_peer)


MATCH_NOTHING = [
    "control_14ct",
    "cudd2008",
    "product-img",
    "Skirmisher-Main-440x412",
    "A4omote",
    "How-to-Find-the-Finest-Electric-Car-Companies",
    "johnny_cash_chili_dog (2)",
    "hanukkah-party-facebook-event-cover-template",
    "8533 GOLDEN RIDGE COURT",
]
MATCH = [
    "battery plate",
    "barn wedding",
    "desk",
    "Whitby castle",
    "beach",
    "Staffordshire Bull Terrier",
    "jacksons chameleon",
    "Nautilus hot tub",
]


@pytest.mark.parametrize("text", MATCH_NOTHING)
def test_published_text_without_a_match(text: str, large_metadata: CompiledMetadata) -> None:
    """Demystifying CLIP Data, table of examples."""
    assert Matcher(large_metadata).find(text) == []


@pytest.mark.parametrize("text", MATCH)
def test_published_text_with_a_match(text: str, large_metadata: CompiledMetadata) -> None:
    assert Matcher(large_metadata).find(text) != []
