"""Counts of a dump equal those of one process, whatever the compression and the partitions."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from dumps import Article, dump, head, made_up_articles, write, write_streams

from metaclip_spark.core.wikitext.dump_pages import PAGE_END, PageFate, read_page
from metaclip_spark.core.wikitext.plain_text import plain_text
from metaclip_spark.core.words import word_runs
from metaclip_spark.metadata.count_rows import FIGURE, PAIR, TITLE, WORD
from metaclip_spark.metadata.dumps.count_ngrams import count_ngrams, count_titles
from metaclip_spark.metadata.dumps.open_dump import DUMP_SETTINGS, open_dump
from metaclip_spark.spark.progress import Progress, watched_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

Counts = dict[int, dict[str, int]]
ARTICLES = made_up_articles(500)


def reference(content: bytes) -> Counts:
    """Count with the plain rules, in this process."""
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    for piece in content.split(PAGE_END.encode()):
        page = read_page(piece)
        if page.fate is PageFate.ARTICLE:
            titles[page.title] += 1
            for run in word_runs(plain_text(page.wikitext).decode()):
                words.update(run)
                pairs.update(map(" ".join, pairwise(run)))
    return {WORD: words, PAIR: pairs, TITLE: titles}


def titles_alone(spark: SparkSession, path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return the titles and the figures."""
    read = open_dump(spark, [str(path)], "en")
    rows = count_titles(read.pieces, read.sites, "en").collect()
    titles, figures = ({row.text: row["count"] for row in rows if row.kind == kind} for kind in (TITLE, FIGURE))
    assert len(titles) + len(figures) == len(rows)
    return titles, figures


def counted(spark: SparkSession, path: Path, **options: int) -> tuple[Counts, dict[str, int], int]:
    """Return the counts made by Spark, the figures, and the number of reading tasks."""
    read = open_dump(spark, [str(path)], "en")
    rows = count_ngrams(read.pieces, read.sites, "en", **options).collect()
    counts = {kind: {row.text: row["count"] for row in rows if row.kind == kind} for kind in (WORD, PAIR, TITLE)}
    assert sum(map(len, counts.values())) == sum(row.kind != FIGURE for row in rows)  # each text once
    figures = {row.text: row["count"] for row in rows if row.kind == FIGURE}
    return counts, figures, read.pieces.rdd.getNumPartitions()


@pytest.mark.slow
def test_every_compression_gives_the_counts_of_one_process(
    spark: SparkSession, tmp_path: Path, change_settings: Callable[[dict[str, str]], None]
) -> None:
    content = dump(ARTICLES)
    expected = reference(content)
    assert expected[PAIR]["new york"] > 100
    assert "nothing" not in expected[WORD]
    half = len(ARTICLES) // 2
    write(tmp_path / "parts" / "a.xml.bz2", dump(ARTICLES[:half]))
    write(tmp_path / "parts" / "more" / "b.xml.gz", dump(ARTICLES[half:]))
    places = [
        (write(tmp_path / "one.xml", content), "40k", 10),
        (write(tmp_path / "one.xml.bz2", content), "30k", 5),
        (write_streams(tmp_path / "streams.xml.bz2", content, 9), "20k", 3),
        (tmp_path / "parts", "1g", 1),
    ]
    for path, size, tasks in places:
        change_settings(
            DUMP_SETTINGS | {"spark.sql.files.maxPartitionBytes": size, "spark.sql.files.openCostInBytes": "1k"}
        )
        # Limits so low that every task passes on its counts many times
        counts, figures, partitions = counted(spark, path, max_words=1 << 8, max_pairs=1 << 9)
        assert counts == expected, path
        assert partitions >= tasks, path
        assert figures["pages article"] == len(ARTICLES) - 2
        assert figures["pages redirect"] == figures["pages other_namespace"] == 1
        del figures["tokens left out"]
        assert titles_alone(spark, path) == (expected[TITLE], figures)


def test_odd_pages_are_read_completely(spark: SparkSession, tmp_path: Path) -> None:
    sentence = "The [[quick]] {{brown|fox}} fox.\n"
    large = Article("Large", sentence * (10_000_000 // len(sentence)))
    hostile = Article("Hostile", "=" * 20_000 + "{{" * 50_000 + "[[" * 50_000 + "<ref>" * 50_000 + "{|\n" * 20_000)
    content = dump(
        [large, hostile, Article("Bad", "caf@ x"), Article("Half", "a \ud7ff b"), Article("Last", "last word")]
    )
    content = content.replace(b"caf@", b"caf\xff").replace("\ud7ff".encode(), b"\xed\xa0\x80")
    counts, figures, _ = counted(spark, write(tmp_path / "odd.xml", content))
    assert counts[WORD]["quick"] == counts[WORD]["fox"] == large.text.count("quick")
    assert counts[PAIR]["last word"] == 1
    assert figures["pages repaired"] == 2
    assert "caf\ufffd" not in counts[WORD]


def test_long_step_reports_its_tasks(spark: SparkSession) -> None:
    lines: list[str] = []

    def slow(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        time.sleep(1.0)
        yield from batches

    with watched_tasks(spark, Progress(lines.append), seconds=0.05):
        spark.range(4, numPartitions=2).mapInArrow(slow, "id long").count()
    assert any(re.fullmatch(r"  stage \d+: \d of 2 tasks done", line) for line in lines)


def test_site_of_a_dump(spark: SparkSession, tmp_path: Path) -> None:
    read = open_dump(spark, [str(write(tmp_path / "x.xml", dump(ARTICLES[:1], "zh", "zh_yuewiki")))], "zh")
    assert [(site.wiki, site.hidden) for site in read.sites] == [("zh_yue", ("Fails",))]
    assert head("zh", "zh_yuewiki").startswith("<mediawiki")
