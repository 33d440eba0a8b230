"""Projects of Wikimedia by database: those that are no Wikipedia are recognised, all Wikipedias stay."""

from __future__ import annotations

import pytest

from metaclip_spark.core.wikitext.projects import other_project

WIKIPEDIAS = [
    "enwiki", "dewiki", "zh_yuewiki", "zh_min_nanwiki", "zh_classicalwiki", "simplewiki", "be_x_oldwiki",
    "roa_tarawiki", "nds_nlwiki", "map_bmswiki", "cbk_zamwiki", "bat_smgwiki", "fiu_vrowiki", "nowiki", "wuuwiki",
    "tetwiki",
]  # fmt: skip


@pytest.mark.parametrize("database", [*WIKIPEDIAS, ""])
def test_wikipedias(database: str) -> None:
    assert not other_project(database)


@pytest.mark.parametrize(
    ("database", "project"),
    [
        ("enwiktionary", "Wiktionary"),
        ("simplewiktionary", "Wiktionary"),
        ("zh_min_nanwiktionary", "Wiktionary"),
        ("dewikiquote", "Wikiquote"),
        ("frwikibooks", "Wikibooks"),
        ("jawikisource", "Wikisource"),
        ("sourceswiki", "multilingual Wikisource"),
        ("ruwikinews", "Wikinews"),
        ("hewikivoyage", "Wikivoyage"),
        ("betawikiversity", "Wikiversity"),
        ("brwikimedia", "Wikimedia"),
        ("wikidatawiki", "Wikidata"),
        ("commonswiki", "Wikimedia Commons"),
        ("specieswiki", "Wikispecies"),
        ("metawiki", "Meta-Wiki"),
        ("mediawikiwiki", "MediaWiki"),
        ("incubatorwiki", "Wikimedia Incubator"),
        ("wikifunctionswiki", "Wikifunctions"),
        ("testwiki", "a test wiki"),
        ("test2wiki", "a test wiki"),
        ("testwikidatawiki", "a test wiki"),
        ("testcommonswiki", "a test wiki"),
        ("wikimania2012wiki", "an internal wiki of Wikimedia"),
        ("my_company", "a wiki outside Wikimedia"),
    ],
)
def test_other_projects(database: str, project: str) -> None:
    assert other_project(database) == project
