"""Unusable sources: the error names the source and the remedy, and nothing is written."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from dumps import Article, dump, head, made_up_articles, page, views, write

from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.metadata.build import build_metadata
from metaclip_spark.metadata.build_stepwise import write_candidates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

ARTICLES = [Article("Paris", "new york, dog dog"), Article("Rome", "")]


def cut_bz2(folder: Path) -> MetadataSources:
    path = write(folder / "x.xml.bz2", dump(made_up_articles(150)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return MetadataSources(wordnet=False, dump=(str(path),))


def of_dump(folder: Path, content: bytes, name: str = "x.xml") -> MetadataSources:
    return MetadataSources(wordnet=False, dump=(str(write(folder / name, content)),))


def of_views(folder: Path, content: bytes) -> MetadataSources:
    return MetadataSources(wordnet=False, page_views=(str(write(folder / "pageviews-20240501-000000.gz", content)),))


def of_counts(folder: Path, content: bytes, pairs: bytes | None = None) -> MetadataSources:
    bigrams = () if pairs is None else (str(write(folder / "pairs.txt", pairs)),)
    return MetadataSources(wordnet=False, unigrams=(str(write(folder / "words.txt", content)),), bigrams=bigrams)


def twice(folder: Path) -> MetadataSources:
    return MetadataSources(
        wordnet=False, dump=tuple(str(write(folder / name, COMPLETE)) for name in ("a.xml", "b.xml"))
    )


COMPLETE = dump(ARTICLES)


def cut_gzip(folder: Path) -> MetadataSources:
    path = write(folder / "x.xml.gz", dump(made_up_articles(150)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return MetadataSources(wordnet=False, dump=(str(path),))


def with_index(folder: Path) -> MetadataSources:
    write(folder / "parts" / "a.xml", COMPLETE)
    write(folder / "parts" / "index.txt", b"600:10:Paris\n")
    return MetadataSources(wordnet=False, dump=(str(folder / "parts"),))


def two_wikis(folder: Path, second: str = "en_oldwiki") -> MetadataSources:
    write(folder / "parts" / "a.xml", COMPLETE)
    write(folder / "parts" / "b.xml", dump(ARTICLES[:1], "en", second))
    return MetadataSources(wordnet=False, dump=(str(folder / "parts"),))


def empty_list(folder: Path) -> MetadataSources:
    return MetadataSources(wordnet=False, official=str(write(folder / "official.txt", "\ufeff".encode())))


def unpacked_views(folder: Path) -> MetadataSources:
    path = write(folder / "pageviews-20240501-000000.gz", b"")
    path.write_bytes(b"<html>404</html>")
    return MetadataSources(wordnet=False, page_views=(str(path),))


def cut_views(folder: Path) -> MetadataSources:
    lines = views([f"en Title_{number} {number * 7919 % 997} 0" for number in range(20_000)])
    write(folder / "views" / "pageviews-20240501-000000.gz", lines)
    path = write(folder / "views" / "pageviews-20240501-010000.gz", lines)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return MetadataSources(wordnet=False, page_views=(str(folder / "views"),))


BAD = {
    "truncated bz2": (cut_bz2, r"x\.xml\.bz2|cannot be read"),
    "truncated gzip": (cut_gzip, r"cannot be read|cut"),
    "truncated inside a page": (lambda folder: of_dump(folder, COMPLETE[:-200]), "ends inside the page"),
    "truncated between pages": (
        lambda folder: of_dump(folder, head().encode() + page(ARTICLES[0]).encode()), "is truncated"),
    "another language": (lambda folder: of_dump(folder, dump(ARTICLES, "de")), "not of 'en'"),
    "Wiktionary": (lambda folder: of_dump(folder, dump(ARTICLES, "en", "enwiktionary")), r"\(Wiktionary\).*enwiki"),
    "Commons": (lambda folder: of_dump(folder, dump(ARTICLES, "en", "commonswiki")), r"\(Wikimedia Commons\)"),
    "Wikidata": (lambda folder: of_dump(folder, dump(ARTICLES, "en", "wikidatawiki")), "--any-project"),
    "Simple English": (
        lambda folder: of_dump(folder, dump(ARTICLES, "en", "simplewiki")),
        "the Wikipedia in Simple English, not of 'en'.*or --language simple"),
    "Wiktionary among the parts": (
        lambda folder: two_wikis(folder, "enwiktionary"), "Pass the dump of each wiki separately"),
    "no dump": (lambda folder: of_dump(folder, b"600:10:Paris\n"), "not a dump of a wiki"),
    "no article": (lambda folder: of_dump(folder, dump([])), "has no article"),
    "another file among the parts": (with_index, "does not start as a dump does"),
    "dumps of two wikis in one folder": (two_wikis, "Pass the dump of each wiki separately"),
    "a list without entries": (empty_list, "has no entries"),
    "no file": (lambda folder: MetadataSources(wordnet=False, dump=(f"{folder}/none",)), "Cannot read the dump"),
    "page views that are a web page": (
        lambda folder: of_views(folder, b"<html>\n<body>404 Not found</body>\n</html>\n"),
        "is not a file of page views"),
    "page views by crawlers": (
        lambda folder: MetadataSources(
            wordnet=False, page_views=(str(write(folder / "pageviews-20240501-spider.bz2", b"x\n")),)),
        r"Of 1 files of page views 1 have another form: .*-spider\.bz2 has views by crawlers"),
    "page views of a day by hours and for the day": (
        lambda folder: MetadataSources(wordnet=False, page_views=(
            str(write(folder / "pageviews-20240501-user.bz2", b"x\n")),
            str(write(folder / "pageviews-20240501-000000.gz", b"x\n")))),
        "20240501 are given twice"),
    "counts of pagecounts-ez under another name": (
        lambda folder: of_views(folder, b"en.z Paris 60 A60\nen.z Rome 90 A45B45\n"),
        r"2 of its 2 lines are neither .*hourly.*daily"),
    "page views without a line": (lambda folder: of_views(folder, b""), r"1 are empty \(.*pageviews-20240501-00"),
    "page views in a store without a driver": (
        lambda _: MetadataSources(wordnet=False, page_views=("s3a://bucket/views",)),
        r"Cannot read the page views s3a://bucket/views: .*S3AFileSystem not found.*Add the store's driver"),
    "truncated page views": (
        cut_views, r"A file of the page views cannot be read: .*pageviews-20240501-010000\.gz"),
    "page views that are not packed": (unpacked_views, "cannot be read"),
    "counts without a line": (lambda folder: of_counts(folder, b""), "has no words in 0 lines"),
    "lines that are not counts": (
        lambda folder: of_counts(folder, b"a\nb\n"), "2 lines, of which 2 are not of the form"),
    "lines most of which are not counts": (
        lambda folder: of_counts(folder, b"a 1\nb\nc\n"), r"words\.txt: 2 of 3 lines are not of the form `word count`"),
    "pairs without a line": (lambda folder: of_counts(folder, b"a 1\n", b""), r"pairs\.txt has no pair of words"),
    "pairs separated by tabs": (
        lambda folder: of_counts(folder, b"a 1\n", b"a\tb\t9\n"), r"pairs\.txt has no pair.*`word word count`"),
    "the same pages twice": (twice, r"2 of 2 titles.*'Rome' 2 times in en. Pass each page once"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_writes_nothing(
    spark: SparkSession, tmp_path: Path, make: Callable[[Path], MetadataSources], said: str
) -> None:
    with pytest.raises((ConfigError, InputError), match=said):
        build_metadata(spark, make(tmp_path / "in"), str(tmp_path / "out"), "en", MetadataConfig(unigram_min_count=1))
    assert not (tmp_path / "out").exists()


def test_daily_page_views(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        "en.wikipedia Paris 22989 desktop 60 A10X50",
        "en.wikipedia Paris null mobile-web 55 B55",
        "en.wikipedia Rome 25458 mobile-app 49 C49",
        "de.wikipedia Berlin 3354 desktop 900 A900",
        "en.wikipedia Talk:Paris 1 desktop 99 A99",
        "en.wikipedia Caf\u00e9 2 desktop 80 A80",
        "en.wikipedia Broken 3 desktop 80 80",
    ]
    path = write(tmp_path / "pageviews-20240501-user.bz2", "\n".join(lines).encode() + b"\n")
    write_candidates(
        spark,
        "titles",
        MetadataSources(wordnet=False, page_views=(str(path),)),
        tmp_path / "out",
        "en",
        MetadataConfig(),
    )
    titles = gzip.decompress((tmp_path / "out" / "titles.tsv.gz").read_bytes()).decode()
    assert titles == "Paris\t115\nCaf\u00e9\t80\n"


@pytest.mark.parametrize(
    ("database", "language", "any_project"), [("enwiktionary", "en", True), ("simplewiki", "simple", False)]
)
def test_remedies_for_another_project(
    spark: SparkSession, tmp_path: Path, database: str, language: str, *, any_project: bool
) -> None:
    sources = replace(of_dump(tmp_path / "in", dump(ARTICLES, "en", database)), any_project=any_project)
    report = build_metadata(spark, sources, str(tmp_path / "out"), language, MetadataConfig(unigram_min_count=1))
    assert report.entries


@pytest.mark.parametrize("what", [
    "truncated bz2", "truncated gzip", "truncated inside a page", "truncated between pages", "another language",
    "Wiktionary", "no dump", "no article", "another file among the parts", "dumps of two wikis in one folder",
    "no file", "the same pages twice",
])  # fmt: skip
def test_titles_alone_need_complete_dumps_too(spark: SparkSession, tmp_path: Path, what: str) -> None:
    make, said = BAD[what]
    page_views = (str(write(tmp_path / "pageviews-20240501-000000.gz", views(["en Paris 99 0"]))),)
    sources = replace(make(tmp_path / "in"), page_views=page_views)
    with pytest.raises(InputError, match=said):
        write_candidates(spark, "titles", sources, tmp_path / "out", "en", MetadataConfig())
    assert not (tmp_path / "out").exists()
