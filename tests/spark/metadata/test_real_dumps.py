"""Complete real dumps: the counts equal those of one plain process, and any partitions give the same entries."""

from __future__ import annotations

import bz2
import gzip
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
from metaclip_spark.core.wikitext.dump_pages import PAGE_END, read_page
from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text
from metaclip_spark.metadata.build import build_metadata
from metaclip_spark.metadata.count_rows import PAIR, WORD
from metaclip_spark.metadata.dumps.count_ngrams import count_ngrams
from metaclip_spark.metadata.dumps.open_dump import DUMP_SETTINGS, open_dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

ENGLISH = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
LATGALIAN = "ltgwiki-latest-pages-articles.xml.gz"
SMALL_PARTITIONS = {"spark.sql.files.maxPartitionBytes": "200k", "spark.sql.files.openCostInBytes": "1k"}


def runs_of_words(text: str) -> Iterator[list[str]]:
    """Split text into runs of words with Python's own strings, independently of this package."""
    kinds = {character: unicodedata.category(character) for character in set(text)}
    lines = str.maketrans(dict.fromkeys("\n\u2028\u2029,.;:?!`", "\n"))
    blanks = str.maketrans({one: " " for one, kind in kinds.items() if kind in {"Zs", "Cc"} and one != "\n"})
    odd = set("\"'()[]{}<>|=*#_~^/\\") | {one for one, kind in kinds.items() if kind in {"Ps", "Pe", "Pi", "Pf"}}
    bad = {one for one, kind in kinds.items() if kind in {"Cn", "Co", "Cs"} or one == "\ufffd"}
    for line in text.translate(lines).translate(blanks).split("\n"):
        run: list[str] = []
        for token in filter(None, line.split(" ")):
            letters = any(kinds[character][0] in "LMN" and character not in odd for character in token)
            if letters and not bad & set(token) and len(token) <= 256 and not {token[0], token[-1]} & odd:
                run.append(token)
            else:
                yield run
                run = []
        yield run


@pytest.mark.parametrize(("name", "language", "articles"), [(ENGLISH, "en", 106), (LATGALIAN, "ltg", 900)])
def test_counts_equal_those_of_one_process(
    spark: SparkSession, shared_data: Path, change_settings: Callable[[dict[str, str]], None], name: str, language: str,
    articles: int,
) -> None:  # fmt: skip
    place = shared_data / "wikipedia" / name
    content = (bz2.decompress if name.endswith("bz2") else gzip.decompress)(place.read_bytes())
    change_settings(DUMP_SETTINGS | SMALL_PARTITIONS)
    dump = open_dump(spark, [str(place)], language)
    rows = count_ngrams(dump.pieces, dump.sites, language, max_words=1 << 13, max_pairs=1 << 15).collect()
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    seen = 0
    tables = markup_tables(dump.sites[0].hidden)
    for piece in content.split(PAGE_END.encode()):
        wikitext = read_page(piece).wikitext
        seen += bool(wikitext)
        for run in runs_of_words(plain_text(wikitext, tables).decode()):
            words.update(run)
            pairs.update(map(" ".join, pairwise(run)))
    print(f"{name}: {seen} articles, {words.total():,} words, {len(words):,} distinct, {len(pairs):,} distinct pairs")
    assert seen >= articles
    assert {row.text: row["count"] for row in rows if row.kind == WORD} == words
    assert {row.text: row["count"] for row in rows if row.kind == PAIR} == pairs


def test_complete_wikipedia_gives_the_same_entries_from_any_partitions(
    spark: SparkSession, shared_data: Path, tmp_path: Path, change_settings: Callable[[dict[str, str]], None]
) -> None:
    unpacked = tmp_path / "ltgwiki.xml"  # a .gz would be one task however small the partitions
    unpacked.write_bytes(gzip.decompress((shared_data / "wikipedia" / LATGALIAN).read_bytes()))
    sources = MetadataSources(dump=(str(unpacked),))
    config = MetadataConfig.for_language("ltg")
    build_metadata(spark, sources, str(tmp_path / "a"), "ltg", config)
    change_settings({"spark.sql.shuffle.partitions": "7", "spark.sql.files.maxPartitionBytes": "100k"})
    report = build_metadata(spark, sources, str(tmp_path / "b"), "ltg", config)
    print(f"{report.entries:,} entries, digest {report.metadata_digest}")
    for name in ("entries.txt", "metadata.json", "entries.mcs", "manifest.json"):
        assert (tmp_path / "a" / "ltg" / name).read_bytes() == (tmp_path / "b" / "ltg" / name).read_bytes(), name
