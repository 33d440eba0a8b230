"""Rules of building metadata that need no Spark: pages, counts, titles, the merge, the configuration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.cli.arguments.run_file import read_run_file
from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
from metaclip_spark.core.entries.merge import OFFICIAL, Candidate, Source, merge
from metaclip_spark.core.entries.page_views import LineFate, other_form, title_of
from metaclip_spark.core.languages import base_language, is_no_space
from metaclip_spark.core.ngrams.collocations import pointwise_mutual_information, scaled_count
from metaclip_spark.core.wikitext.dump_pages import PageFate, read_page, read_site
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.metadata.origins import Origins
from metaclip_spark.metadata.report import metadata_report
from metaclip_spark.metadata.sources.ready_made_counts import parse_count_line
from metaclip_spark.metadata.sources.source_files import summarise_files

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "<page><title>A</title><ns>0</ns><revision><text bytes='1'>x</text></revision>"


def source(name: str, *texts: str, cap: int | None = None) -> Source:
    return Source(name, [Candidate(text, 100 - place) for place, text in enumerate(texts)], cap)


@pytest.mark.parametrize(
    ("page", "fate"),
    [
        (PAGE, PageFate.ARTICLE),
        (PAGE.replace("<ns>0", "<ns>4"), PageFate.OTHER_NAMESPACE),
        (PAGE.replace("<revision>", '<redirect title="B" /><revision>'), PageFate.REDIRECT),
        ("\n</mediawiki>\n", PageFate.NO_PAGE),
    ],
)
def test_fate_of_a_page(page: str, fate: PageFate) -> None:
    assert read_page(page.encode()).fate is fate


def test_text_of_a_page() -> None:
    assert read_page(PAGE.encode()).wikitext == b"x"
    assert read_page(PAGE.replace("'1'>x</text>", "'0' />").encode()).wikitext == b""
    assert (
        read_page(PAGE.replace(">x<", ">&lt;b&gt; &amp;lt; &quot;&#xD800;<").encode()).wikitext == b'<b> &lt; "&#xD800;'
    )
    odd = read_page(PAGE.encode().replace(b">x<", b">x\xff\xed\xa0\x80y<"))
    assert odd.repaired
    assert odd.wikitext.decode().strip("\ufffd").replace("\ufffd", "") == "xy"


@pytest.mark.parametrize("cut", [len(PAGE) - 1, len(PAGE) - 12, PAGE.index("x</text"), PAGE.index("</title>") + 1])
def test_truncated_page_is_refused(cut: int) -> None:
    with pytest.raises(InputError, match="ends inside the page"):
        read_page(PAGE[:cut].encode())


def test_history_is_refused() -> None:
    with pytest.raises(InputError, match="2 versions"):
        read_page(PAGE.replace("<revision>", "<revision></revision><revision>").encode())


@pytest.mark.parametrize(
    ("database", "xml", "language", "is_of"),
    [
        ("enwiki", "en", "en", True),
        ("enwiki", "en", "de", False),
        ("simplewiki", "en", "en", False),
        ("simplewiki", "en", "simple", True),
        ("zh_yuewiki", "yue", "zh", True),
        ("zh_yuewiki", "yue", "zh_yue", True),
        ("nowiki", "nb", "nb", True),
        ("wuuwiki", "wuu", "zh", True),
        ("roa_tarawiki", "nap", "roa", False),
        ("ltgwiki", "lv", "other", True),
    ],
)
def test_language_of_a_dump(database: str, xml: str, language: str, *, is_of: bool) -> None:
    site = read_site(f'<mediawiki xml:lang="{xml}"><dbname>{database}</dbname>'.encode())
    assert site is not None
    assert site.is_of(language) is is_of


def test_information_and_scaling() -> None:
    assert pointwise_mutual_information(100, 1000, 500, 10**6) == pytest.approx(math.log2(10**6 * 100 / (1000 * 500)))
    assert [scaled_count(100, tokens) for tokens in (0, 10**6, 10**9, 5 * 10**9, 10**11)] == [5, 5, 20, 100, 100]
    assert scaled_count(3, 10**6) == 3


@pytest.mark.parametrize(
    ("raw", "fate", "title"),
    [
        ("New_York", LineFate.COUNTED, "New York"),
        ("C%2B%2B", LineFate.COUNTED, "C++"),
        ("a+b", LineFate.COUNTED, "a+b"),
        ("Talk:X", LineFate.WITH_COLON, ""),
        ("Talk%3aX", LineFate.WITH_COLON, ""),
        ("%FF", LineFate.BAD_TITLE, ""),
        ("100%", LineFate.COUNTED, "100%"),
        ("_", LineFate.BAD_TITLE, ""),
    ],
)
def test_titles(raw: str, fate: LineFate, title: str) -> None:
    assert title_of(raw) == (fate, title)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pageviews-20240501-000000.gz", ""),
        ("pageviews-20240501-user.bz2", ""),
        ("pageviews-20240501-user", ""),
        ("pagecounts-20140501-000000.gz", ""),
        ("views.txt", ""),
        ("pageviews-20240501-spider.bz2", "crawlers"),
        ("pageviews-20240501-automated.bz2", "programs"),
        ("projectviews-20240501-000000", "without titles"),
        ("projectcounts-20140501-000000", "without titles"),
        ("pagecounts-2014-05-01.bz2", "pagecounts-ez"),
        ("pagecounts-2014-05-views-ge-5.bz2", "pagecounts-ez"),
        ("clickstream-enwiki-2024-05.tsv.gz", "clickstream"),
        ("mediacounts.2024-05-01.v00.tsv.bz2", "media"),
        ("unique_devices_per_domain_daily-2024-05-01.gz", "devices"),
    ],
)
def test_other_forms_of_page_views(name: str, said: str) -> None:
    assert said in other_form(name)
    assert bool(said) == bool(other_form(name))


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("the 12", ("the", 12)),
        ("new york\t12", ("new york", 12)),
        ("\ufeffa\t1\r", ("a", 1)),
        ("x -3", None),
        ("x", None),
        ("", None),
        ("x 1e3", None),
    ],
)
def test_count_lines(line: str, parsed: tuple[str, int] | None) -> None:
    assert parse_count_line(line) == parsed


def test_merge_admits_in_order_under_caps_and_names_all_sources() -> None:
    merged = merge(
        [
            source("wordnet", "dog", "new york"),
            source("unigrams", "the", "dog", "of", "and", cap=2),
            source("bigrams", "new york", "of the", "of the"),
            source("titles", "the", "St. Louis", "!", " ", "x\ty", "a" * 257, "Paris", "Rome"),
        ],
        total=6,
    )
    assert [entry.text for entry in merged.entries] == ["dog", "new york", "the", "of", "of the", "Paris"]
    assert merged.entries[0].sources == ("wordnet", "unigrams")
    assert merged.entries[2].sources == ("unigrams", "titles")
    assert (merged.entries[1].admitted_by, merged.entries[4].score) == ("wordnet", 99)
    figures = {
        name: (own.admitted, own.already_listed, own.repeated, own.over_cap) for name, own in merged.figures.items()
    }
    assert figures == {
        "wordnet": (2, 0, 0, 0),
        "unigrams": (2, 1, 0, 1),
        "bigrams": (1, 1, 1, 0),
        "titles": (1, 1, 0, 1),
    }
    rejects = {"blank": 1, "punctuation": 1, "too_long": 1, "control": 1, "unmatchable": 1, "invalid": 0}
    assert merged.figures["titles"].rejects == rejects
    for own in merged.figures.values():
        assert own.candidates == own.admitted + own.already_listed + own.repeated + own.over_cap + sum(
            own.rejects.values()
        )


def test_official_list_is_unchanged() -> None:
    official = ["St. Louis", "", "a", "a", "!"]
    merged = merge([source("titles", "a", "U.S.", "b")], official=official)
    assert [entry.text for entry in merged.entries] == [*official, "b"]
    assert [entry.admitted_by for entry in merged.entries] == [OFFICIAL] * 5 + ["titles"]
    assert merged.entries[2].sources == (OFFICIAL, "titles")
    assert list(merged.figures) == [OFFICIAL, "titles"]
    assert (merged.figures[OFFICIAL].candidates, merged.figures[OFFICIAL].admitted) == (5, 5)
    assert list(merge([source("titles", "a")]).figures) == ["titles"]


def test_thresholds_reached_are_those_of_the_last_admitted_entry() -> None:
    merged = merge([source("wordnet", "b"), source("unigrams", "a", "b", "c", "d", cap=2)])
    figures = {"unigrams": {"distinct": 4, "min count reached": 97}}
    report = metadata_report(merged, language="en", config={}, origins=Origins({}, figures, []))
    assert report.figures == {"unigrams": {"distinct": 4, "min count reached": 98}}


def test_many_files_are_only_counted() -> None:
    files = [{"file": f"{hour}.gz", "bytes": 2} for hour in range(624)]
    assert summarise_files(files) == {"files": 624, "bytes": 1248}


def test_official_list_longer_than_the_cap_is_kept_completely_and_nothing_joins_it() -> None:
    merged = merge([source("titles", "d", "e")], total=2, official=["a", "b", "c"])
    assert [entry.text for entry in merged.entries] == ["a", "b", "c"]
    assert merged.figures["titles"].over_cap == 2


@pytest.mark.parametrize("name", ["unigram_cap", "bigram_cap", "title_cap", "total_cap", "unigram_min_count"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_caps_and_counts_are_positive(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        MetadataConfig.for_language("en", **{name: value})


@pytest.mark.parametrize("bits", [2000, -1, float("nan"), True, "30"])
def test_min_pmi_is_in_its_range(bits: object) -> None:
    with pytest.raises(ConfigError, match=r"bigram_min_pmi = .*from 0 to 1000"):
        MetadataConfig(bigram_min_pmi=bits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "said"),
    [("EN", "Pass 'en'"), ("zh_Yue", "Pass 'zh_yue'"), ("../en", "not the code"), ("", "not the code")],
)
def test_languages_that_are_not_codes(language: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MetadataConfig.for_language(language)


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_shares_are_shares(share: float) -> None:
    with pytest.raises(ConfigError, match="unigram_share"):
        MetadataConfig(unigram_share=share)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"dump": ("a",), "unigrams": ("b",)}, "Both a dump"),
        ({"bigrams": ("b",)}, "without counts of unigrams"),
        ({"wordnet": False}, "No source"),
        ({"dump": ("a",), "any_project": True, "page_views": ("b",)}, "Leave out the page views, or .* --any"),
    ],
)
def test_sources_that_contradict_each_other(sources: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MetadataSources(**sources)  # type: ignore[arg-type]


def test_languages_without_spaces() -> None:
    assert [is_no_space(code) for code in ("zh", "zh-hans", "yue", "ja", "th", "ko", "vi", "en")] == [True] * 5 + [
        False
    ] * 3


def test_variants_merge_into_their_base() -> None:
    variants = ["zh_yue", "zh-min-nan", "zh-classical", "wuu", "gan", "be_x_old", "nds_nl", "map_bms", "nb"]
    assert [base_language(code) for code in variants] == ["zh"] * 5 + ["be", "nds", "jv", "no"]
    alone = ["zh", "ltg", "simple", "bat_smg", "fiu_vro", "other"]
    assert [base_language(code) for code in alone] == alone


def test_settings_file_has_the_default_values(repository: Path) -> None:
    run_file = read_run_file(repository / "conf" / "metadata.toml", {})
    assert MetadataConfig(**run_file.metadata) == MetadataConfig()


def test_settings_file_with_unknown_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[metadata]\nunigram_min_coun = 5\nbigram_cap = "all"\n')
    with pytest.raises(ConfigError, match=r"bigram_cap = 'all' is not an integer.*did you mean 'unigram_min_count'"):
        read_run_file(tmp_path / "x.toml", {})
