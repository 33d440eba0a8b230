"""From sources to metadata: the recipe end to end, and the same entries from any partitioning."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from dumps import Article, dump, views, write
from small_sources import ARTICLES, CONFIG, small_sources

from metaclip_spark.cli import main
from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
from metaclip_spark.core.entry_list import metadata_digest, overall_digest
from metaclip_spark.errors import ConfigError, EnvironmentProblemError, InputError, MetaclipSparkError
from metaclip_spark.metadata.build import build_metadata
from metaclip_spark.metadata.read_metadata import read_list, read_metadata
from metaclip_spark.metadata.report_text import render_metadata
from metaclip_spark.runs import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.spark.progress import Progress

pytestmark = pytest.mark.spark
pytest.importorskip("nltk")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> MetadataSources:
    return small_sources(tmp_path_factory.mktemp("sources"))


def files_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) if root.exists() else []


@contextmanager
def say_watched(_: SparkSession, timer: Progress) -> Iterator[None]:
    timer.say("watched ...")
    yield


def test_recipe_gives_the_same_entries_whatever_the_partitions(
    spark: SparkSession, sources: MetadataSources, tmp_path: Path, change_settings: Callable[[dict[str, str]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    lines: list[str] = []
    monkeypatch.setattr(run, "watched_tasks", say_watched)
    report = build_metadata(spark, sources, str(tmp_path / "a"), "en", CONFIG, progress=lines.append)
    change_settings({"spark.sql.files.maxPartitionBytes": "20k", "spark.sql.shuffle.partitions": "5"})
    again = build_metadata(spark, sources, str(tmp_path / "b"), "en", CONFIG)
    for name in ("entries.txt", "metadata.json", "entries.mcs", "manifest.json"):
        assert (tmp_path / "a" / "en" / name).read_bytes() == (tmp_path / "b" / "en" / name).read_bytes(), name
    assert report.metadata_digest == again.metadata_digest
    assert [line.partition(" ...")[0] for line in lines] == [
        *("watched", "wordnet", "watched", "count words", "watched", "unigrams", "watched", "bigrams"),
        *("watched", "titles", "watched", "write"),
    ]  # fmt: skip

    entries = (tmp_path / "a" / "en" / "entries.txt").read_text(encoding="utf-8").splitlines()
    assert entries == json.loads((tmp_path / "a" / "en" / "metadata.json").read_text(encoding="utf-8"))
    assert report.metadata_digest == metadata_digest(entries)
    assert entries[:100] == [str(number) for number in range(100)]
    rows = spark.read.format("delta").load(str(tmp_path / "a" / "metadata")).orderBy("entry_id").collect()
    assert [row.entry for row in rows] == entries
    assert {row.metadata_version for row in rows} == {report.metadata_digest}
    of = {row.entry: row for row in rows}
    # WordNet admits "dog" and "new york" first; the text has them too
    assert (of["dog"].admitted_by, of["dog"].sources, of["dog"].score) == ("wordnet", ["wordnet", "unigrams"], None)
    assert of["new york"].sources == ["wordnet", "bigrams"]
    assert of["Hong Kong"].admitted_by == "bigrams"
    assert of["w0"].admitted_by == "unigrams"
    assert [row.score for row in rows if row.admitted_by == "unigrams"] == sorted(
        (row.score for row in rows if row.admitted_by == "unigrams"), reverse=True
    )
    # Paris is a unigram too; Rome's line of 49 views does not count; nothing matches St. Louis; Nowhere has no article
    assert "titles" in of["Paris"].sources
    assert [(row.entry, row.score) for row in rows if row.admitted_by == "titles"] == [
        ("Title 1 & more", 90),
        ("Rome", 71),
    ]
    assert report.unmatchable == ["St. Louis"]
    figures = report.figures["titles"]
    assert {name: figures[f"lines {name}"] for name in ("malformed", "other_project", "few_views", "with_colon")} == {
        "malformed": 2, "other_project": 1, "few_views": 1, "with_colon": 1,
    }  # fmt: skip
    assert (figures["lines bad_title"], figures["lines counted"], figures["titles in no article"]) == (1, 6, 1)
    assert sum(own["admitted"] for own in report.merged.values()) == report.entries == len(entries)
    assert report.merged["unigrams"]["admitted"] == 150

    compiled = read_metadata(tmp_path / "a" / "en" / "entries.mcs")
    assert compiled.metadata_digest == report.metadata_digest
    assert read_metadata(str(tmp_path / "a" / "metadata"), spark=spark).metadata_digest == report.metadata_digest


def test_lists_with_byte_order_marks_and_returns_and_an_unreachable_min_pmi(
    spark: SparkSession, tmp_path: Path
) -> None:
    sources = MetadataSources(
        wordnet=False,
        unigrams=(str(write(tmp_path / "w.txt", "\ufeffthe 90\r\nnew 20\r\nyork 10\r\n(odd 50\r\nbad\r\n".encode())),),
        bigrams=(str(write(tmp_path / "b.tsv", b"new york\t9\r\nof the\t7\r\nnew\t5\r\n")),),
        official=str(write(tmp_path / "official.txt", "\ufeffSt. Louis\r\nthe\r\n".encode())),
    )
    config = replace(CONFIG, unigram_min_count=1, bigram_min_pmi=30.0)
    report = build_metadata(spark, sources, str(tmp_path / "out"), "en", config)
    assert (tmp_path / "out" / "en" / "entries.txt").read_text() == "St. Louis\nthe\nnew\nyork\n"
    assert report.merged["official"] | {"rejects": {}} == {
        "candidates": 2, "admitted": 2, "already_listed": 0, "repeated": 0, "over_cap": 0, "rejects": {},
    }  # fmt: skip
    assert report.figures["official"] == {"entries": 2, "unmatchable": 1}
    sizes = render_metadata(report).partition("Sources\n")[2].splitlines()[1]
    assert sizes.split() == ["official", "2", "2", "0", "0", "0"]
    assert "no bigram can have the 30 bits" in report.warnings[0]
    assert report.figures["text"] == {"lines malformed": 1, "lines without words": 1, "lines without words of pairs": 1}
    report = build_metadata(spark, sources, str(tmp_path / "out"), "en", replace(config, bigram_min_pmi=None))
    assert (tmp_path / "out" / "en" / "entries.txt").read_text() == "St. Louis\nthe\nnew\nyork\nnew york\n"
    assert spark.read.format("delta").load(str(tmp_path / "out" / "metadata")).count() == 5
    assert report.top["bigrams"] == [("new york", pytest.approx(2.4329594))]  # log2(120 * 9 / (20 * 10))


def test_entries_with_line_ends_are_in_all_forms_but_the_text_file(spark: SparkSession, tmp_path: Path) -> None:
    official = ["dog", "new\nyork", "cat"]
    sources = MetadataSources(
        wordnet=False, official=str(write(tmp_path / "official.json", json.dumps(official).encode()))
    )
    stale = write(tmp_path / "out" / "en" / "entries.txt", b"dog\n")
    report = build_metadata(spark, sources, str(tmp_path / "out"))
    assert "entries.txt is not written: entry 1, 'new\\nyork', has a line end" in report.warnings[0]
    assert "entries.txt" not in report.files
    assert report.figures["official"] == {"entries": 3, "control": 1}
    assert not stale.exists()
    manifest = json.loads((tmp_path / "out" / "en" / "manifest.json").read_text())
    assert manifest["warnings"] == report.warnings
    assert read_list(tmp_path / "out" / "en" / "metadata.json") == official


def test_other_control_characters_are_in_all_forms(spark: SparkSession, tmp_path: Path) -> None:
    official = ["dog", "a\tb", "nul\0", "\x1b[31mred", "a\rb", "\x85 \u2028", "dog"]
    content = json.dumps(official).encode()
    sources = MetadataSources(wordnet=False, official=str(write(tmp_path / "official.json", content)))
    report = build_metadata(spark, sources, str(tmp_path / "out"))
    assert report.warnings == []
    assert report.figures["official"] == {"entries": 7, "repeated": 1, "control": 2}
    for name in ("entries.txt", "metadata.json"):
        assert read_list(tmp_path / "out" / "en" / name) == official
    for place in (tmp_path / "out" / "en" / "entries.mcs", tmp_path / "out" / "metadata"):
        assert read_metadata(place, spark=spark).metadata_digest == metadata_digest(official)
    assert "\x1b" not in render_metadata(report)


def test_languages_have_the_shares_of_the_second_paper_and_fail_separately(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spark is not None
    counts = "".join(f"t{number} {1000 - number}\n" for number in range(200)).encode()
    write(tmp_path / "vi.txt", counts)
    write(tmp_path / "af.xml", dump(ARTICLES, "de"))
    arguments = ["metadata", "build", "--language", "vi", "af", "--output", str(tmp_path / "out"), "--json"]
    arguments += ["--unigrams", f"vi={tmp_path}/vi.txt", "--dump", f"af={tmp_path}/af.xml"]
    assert main(arguments) == InputError.exit_code
    printed = capsys.readouterr()
    assert "1 of 2 languages failed: af: " in printed.err
    result = json.loads(printed.out)
    assert result["languages"]["vi"]["merged"]["unigrams"]["admitted"] == 20  # the top tenth of 200
    assert list(result["failed"]) == ["af"]
    assert (tmp_path / "out" / "vi" / "entries.txt").read_text().splitlines()[98:102] == ["98", "99", "t0", "t1"]
    assert not (tmp_path / "out" / "af").exists()
    alone = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert alone["languages"] == {"vi": {"metadata_digest": result["digests"]["vi"], "entries": 120}}

    # The next language joins the table, and one digest identifies both
    build_metadata(spark, MetadataSources(unigrams=(str(tmp_path / "vi.txt"),)), str(tmp_path / "out"), "af")
    overall = json.loads((tmp_path / "out" / "manifest.json").read_text())
    digests = {language: one["metadata_digest"] for language, one in overall["languages"].items()}
    assert digests == dict.fromkeys(("af", "vi"), result["digests"]["vi"])  # the same counts: the same list
    assert alone["metadata_digest"] == result["digest"] == overall_digest({"vi": digests["vi"]})
    assert overall["metadata_digest"] == overall_digest(digests) != alone["metadata_digest"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--unigram-cap", "0"], ConfigError),
        (["--total-cap", "-5"], ConfigError),
        (["--language", "vi", "af", "--dump", "x"], ConfigError),
        (["--dump", "de=x"], ConfigError),
    ],
)
def test_options_that_are_refused(
    spark: SparkSession, tmp_path: Path, arguments: list[str], error: type[MetaclipSparkError]
) -> None:
    assert spark is not None
    assert main(["metadata", "build", "--output", str(tmp_path / "out"), *arguments]) == error.exit_code
    assert files_in(tmp_path) == []


CHINESE = (
    "\u6211\u7231\u5317\u4eac\u5929\u5b89\u95e8\u3002\u5317\u4eac\u5929\u5b89\u95e8\u5f88\u5927\u3002\x01 &#xD800; "
)
BEIJING, GATE = "\u5317\u4eac", "\u5929\u5b89\u95e8"
JAPANESE = (
    "\u6771\u4eac\u3067\u30b3\u30fc\u30d2\u30fc\u3092\u98f2\u3080\u3002"
    "\u6771\u4eac\u3068\u65e5\u672c\u8a9e\u3002\u306a\u306b\u304b\u98f2\u3080\u3002"
)
TOKYO, IN, COFFEE, LANGUAGE = "\u6771\u4eac", "\u3067", "\u30b3\u30fc\u30d2\u30fc", "\u65e5\u672c\u8a9e"


@pytest.mark.parametrize(
    ("language", "wiki", "text", "words", "pairs", "none"),
    [
        ("zh", "zh_yuewiki", CHINESE, [BEIJING, GATE], [BEIJING + GATE], []),
        # kanji, kana and both; neighbours on both sides of a full stop are none
        ("ja", "", JAPANESE, [TOKYO, COFFEE, LANGUAGE], [TOKYO + IN, IN + COFFEE], [LANGUAGE + "\u306a\u306b"]),
    ],
)
def test_languages_without_spaces(
    spark: SparkSession, tmp_path: Path, language: str, wiki: str, text: str, words: list[str], pairs: list[str],
    none: list[str],
) -> None:  # fmt: skip
    pytest.importorskip("icu4py")
    content = dump([Article("Title", text * 30)], language, wiki)
    sources = MetadataSources(wordnet=False, dump=(str(write(tmp_path / "in.xml", content)),))
    config = MetadataConfig.for_language(language, unigram_share=1.0, bigram_share=1.0, bigram_min_count=20)
    report = build_metadata(spark, sources, str(tmp_path / "out"), language, config)
    rows = spark.read.format("delta").load(str(tmp_path / "out" / "metadata")).collect()
    admitted_by = {row.entry: row.admitted_by for row in rows}
    assert {admitted_by.get(word) for word in words} == {"unigrams"}
    assert {admitted_by.get(pair) for pair in pairs} == {"bigrams"}
    assert not any(" " in entry or entry in none for entry in admitted_by)
    assert report.software["icu"]


def test_other_combines_several_wikipedias(spark: SparkSession, tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    text = "vuords [[Fails:one.jpg|hidden]] [[Zurag:two.jpg|hidden]] vuords; "
    sources = MetadataSources(
        wordnet=False,
        dump=(
            str(write(tmp_path / "ltgwiki-pages.xml", dump([Article("Pruods", text * 5)], "lv", "ltgwiki"))),
            str(write(tmp_path / "xalwiki-pages.xml", dump([Article("Balgsn", text * 3)], "xal", files="Zurag"))),
        ),
        page_views=(str(tmp_path / "views"),),
    )
    write(tmp_path / "views" / "x.gz", views(["ltg Pruods 5 0", "ltg.m Pruods 1 0", "xal Balgsn 4 0", "lv Pruods 9 0"]))
    config = MetadataConfig.for_language("other", unigram_share=1.0, title_share=1.0)
    report = build_metadata(spark, sources, str(tmp_path / "out"), "other", config)
    assert report.top == {"unigrams": [("vuords", 16)], "titles": [("Pruods", 6), ("Balgsn", 4)]}
    assert report.sources["dump"] == "ltgwiki, xalwiki"
    refused = [
        (replace(sources, dump=(*sources.dump, str(write(tmp_path / "bo.xml", dump(ARTICLES, "bo"))))), "of its own"),
        (replace(sources, dump=(), wordnet=True), "pass their dumps"),
    ]
    for bad, said in refused:
        with pytest.raises(InputError, match=said):
            build_metadata(spark, bad, str(tmp_path / "none"), "other", config)
    assert files_in(tmp_path / "none") == []


def test_missing_icu_says_what_to_install(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from metaclip_spark.core.ngrams import segmentation  # noqa: PLC0415

    segmentation._breaker.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "icu4py.breakers", None)
    assert spark is not None
    with pytest.raises(EnvironmentProblemError, match=r"metaclip-spark\[icu\]"):
        segmentation.segmenter("zh")
    segmentation._breaker.cache_clear()
    assert files_in(tmp_path) == []
