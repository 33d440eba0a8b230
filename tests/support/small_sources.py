"""Small made-up sources of metadata, and a configuration for their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dumps import Article, dump, made_up_articles, views, write
from small_wordnet import write_wordnet

from metaclip_spark.config.metadata import MetadataConfig, MetadataSources

if TYPE_CHECKING:
    from pathlib import Path

ARTICLES = [
    *made_up_articles(120),
    Article("Paris", "Paris is new york, dog dog. " * 40),
    Article("St. Louis", "St. Louis"),
    Article("Rome", ""),
]
HOURS = [
    ["en Paris 60 0", "en.m Paris 55 0", "en Rome 49 0", "de Paris 900 0", "en Talk:Paris 99 0", "en Nowhere 500 0"],
    ["en Rome 71 0", "en St._Louis 80 0", "en Title_1_%26_more 90 0", "en %FF 80 0", "broken", "en.m Main_Page x 0"],
]
CONFIG = MetadataConfig(unigram_min_count=5, unigram_cap=150, bigram_cap=40, title_cap=5, total_cap=300)


def small_sources(folder: Path) -> MetadataSources:
    """Write a WordNet, a dump and two hours of page views."""
    for number, lines in enumerate(HOURS):
        write(folder / "views" / f"pageviews-20240501-{number:02}0000.gz", views(lines))
    return MetadataSources(
        nltk_data=str(write_wordnet(folder / "nltk")),
        dump=(str(write(folder / "enwiki-pages-articles.xml.bz2", dump(ARTICLES))),),
        page_views=(str(folder / "views"),),
    )
