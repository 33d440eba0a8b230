"""Candidates from page views: titles by views (table 1, line 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.entries.page_views import LineFate, projects_of
from metaclip_spark.core.languages import OTHER, language_code
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.candidates.proposal import MIN_VIEWS_REACHED, TOP_ROWS_SETTINGS, Proposal, share_limit
from metaclip_spark.metadata.sources.page_views import (
    line_figures,
    most_viewed,
    open_page_views,
    sort_lines,
    views_by_title,
)
from metaclip_spark.metadata.sources.source_files import file_names_and_sizes, summarise_files
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataConfig
    from metaclip_spark.metadata.candidates.counted_text import CountedText


def propose_titles(
    spark: SparkSession, page_views: Sequence[str], language: str, config: MetadataConfig, text: CountedText | None
) -> Proposal:
    """Propose titles by page views; if there is a dump, only those of its articles.

    Args:
        spark: A session.
        page_views: Files or folders.
        language: Code of the Wikipedia.
        config: Minimum views, share and cap.
        text: Counts of the dump; without titles of articles, all viewed titles are candidates.

    Raises:
        InputError: A file does not contain page views, or `other` is requested without dumps.
    """
    articles = None if text is None else text.titles
    wikis = text.wikis if text is not None and articles is not None else (language_code(language),)
    if OTHER in wikis:
        raise InputError(
            f"Page views of {OTHER!r} are those of the Wikipedias whose dumps are passed: pass their dumps."
        )
    projects = [project for wiki in wikis for project in projects_of(wiki)]
    lines = open_page_views(spark, page_views)
    with changed_settings(spark, TOP_ROWS_SETTINGS):
        kept = sort_lines(lines, projects, config.title_min_line_views).persist(StorageLevel.DISK_ONLY)
        titles = views_by_title(kept).persist(StorageLevel.DISK_ONLY)
        try:
            figures = line_figures(kept, titles, lines.inputFiles())
            counted = titles.where(F.col("fate") == LineFate.COUNTED.value)
            if articles is not None:
                figures["titles in no article"] = counted.join(articles, "title", "left_anti").count()
                counted = counted.join(articles, "title", "left_semi")
            distinct = counted.count()
            # Without a share all titles with enough views are proposed: only the merge determines which become entries.
            limit = share_limit(config.title_share, distinct, config.title_cap)
            rows = most_viewed(counted, min_views=config.title_min_views, limit=limit).collect()
        finally:
            titles.unpersist()
            kept.unpersist()
    figures |= {
        "distinct": distinct,
        "min views requested": config.title_min_views,
        "min line views requested": config.title_min_line_views,
        "share requested": config.title_share,
        MIN_VIEWS_REACHED: rows[-1].views if rows else None,
    }
    sources = {} if text is None or articles is None else text.sources
    sources = sources | {"page_views": summarise_files(file_names_and_sizes(spark, page_views))}
    return Proposal([Candidate(row.title, row.views) for row in rows], figures, sources=sources)
