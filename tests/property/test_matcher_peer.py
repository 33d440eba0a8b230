"""The compiled matcher against pyahocorasick, which the published pipeline uses, on real captions and real metadata."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark.core.entry_list import EntryFate, parse_text
from metaclip_spark.core.matching.artifact import artifact_from_buffer, artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.spacing import space_caption

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@pytest.fixture(scope="module")
def compiled(shared_data: Path) -> CompiledMetadata:
    entries = parse_text(gzip.decompress((shared_data / "metadata/en_481k.txt.gz").read_bytes()))
    return artifact_from_buffer(artifact_to_bytes(compile_metadata(entries)))


@pytest.fixture(scope="module")
def peer(compiled: CompiledMetadata) -> ahocorasick.Automaton:
    """Its wheels know text only, so bytes are given to it as the characters of the same numbers."""
    automaton = ahocorasick.Automaton()
    fates = compiled.fates
    for entry_id, entry in enumerate(compiled.entries(range(compiled.n_entries))):
        if fates[entry_id] == EntryFate.MATCHABLE:
            automaton.add_word((b" " + entry.encode() + b" ").decode("latin-1"), entry_id)
    automaton.make_automaton()
    return automaton


def column(name: str):  # noqa: ANN201 - a reader of one column
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


@pytest.mark.parametrize(("name", "read", "least"), [(n, *r) for n, r in CAPTIONS.items()], ids=CAPTIONS)
def test_equal_on_every_caption(
    name: str,
    read: Callable[[Path], list[bytes]],
    least: int,
    shared_data: Path,
    compiled: CompiledMetadata,
    peer: ahocorasick.Automaton,
) -> None:
    captions = read(shared_data / "captions" / name)
    assert len(captions) >= least
    found = Matcher(compiled).match_batch(pa.array(captions, pa.binary())).to_pylist()
    for caption, ids in zip(captions, found, strict=True):
        expected = {entry_id for _, entry_id in peer.iter(space_caption(caption).decode("latin-1"))}
        assert ids == sorted(expected), caption


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
def test_published_text_without_a_match(text: str, compiled: CompiledMetadata) -> None:
    """Demystifying CLIP Data, table of examples."""
    assert Matcher(compiled).find(text) == []


@pytest.mark.parametrize("text", MATCH)
def test_published_text_with_a_match(text: str, compiled: CompiledMetadata) -> None:
    assert Matcher(compiled).find(text) != []
