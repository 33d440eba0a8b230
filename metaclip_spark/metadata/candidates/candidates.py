"""Candidates of each source: what it proposes for the list, in its order, and where it was cut off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.entries.page_views import LineFate, projects_of
from metaclip_spark.core.languages import OTHER, language_code
from metaclip_spark.core.ngrams.collocations import max_information, pointwise_mutual_information
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.dumps.count_words import MOST_MALFORMED
from metaclip_spark.metadata.dumps.rank_ngrams import collocations, frequent_words
from metaclip_spark.metadata.report import MIN_COUNT_REACHED, MIN_PMI_REACHED, MIN_VIEWS_REACHED
from metaclip_spark.metadata.sources.page_view_files import open_page_views
from metaclip_spark.metadata.sources.source_files import described_files
from metaclip_spark.metadata.sources.sum_views import most_viewed, sort_lines, views_by_title
from metaclip_spark.metadata.sources.wordnet_corpus import read_wordnet
from metaclip_spark.spark.locations import same_name
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.spark.worker_errors import named_worker_errors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.metadata.dumps.count_words import CountedWords
    from metaclip_spark.metadata.dumps.list_articles import Articles

# Above so many rows Spark sorts where they are and takes the first; below, each task sends its own best to the driver.
_SORTED: Final = {"spark.sql.execution.topKSortFallbackThreshold": "10000"}


_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Ranked:
    """What a source proposes.

    Attributes:
        candidates: in order.
        figures: numbers of the source: distinct texts, what was asked for, what was reached.
        warnings: for people.
        origin: editions and files, for the manifest.
        text: pages or lines of the text that it is from, by what became of them.
    """

    candidates: list[Candidate] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)
    text: dict[str, int] = field(default_factory=dict)


def wordnet_entries(language: str, nltk_data: str | None) -> Ranked:
    """The numbers 0 to 99, and WordNet's names.

    Raises:
        EnvironmentProblemError, InputError: as `read_wordnet`.
    """
    wordnet = read_wordnet(language, nltk_data)
    return Ranked(wordnet.candidates, warnings=wordnet.warnings, origin={"wordnet": wordnet.edition})


def unigram_candidates(words: CountedWords, config: MetadataConfig, *, listed: int) -> Ranked:
    """Words by occurrences.

    Args:
        words: of the language.
        config: least count, share and cap.
        listed: entries that may be in the list already: as many more are proposed than the cap admits.
    """
    share = _share(config.unigram_share, words.distinct_words, config.unigram_cap)
    most = _fewest(share, room(config.unigram_cap, listed))
    with named_worker_errors(source="the text"), changed_settings(words.rows.sparkSession, _SORTED):
        rows = frequent_words(words.rows, least=config.unigram_min_count, most=most).collect()
    figures = {
        "distinct": words.distinct_words,
        "tokens": words.tokens,
        "min count requested": config.unigram_min_count,
        "share requested": config.unigram_share,
        MIN_COUNT_REACHED: rows[-1]["count"] if rows else None,
    }
    candidates = [Candidate(row.text, row["count"]) for row in rows]
    return Ranked(candidates, figures, origin=words.description, text=words.figures)


def bigram_candidates(words: CountedWords, unigrams: Ranked, config: MetadataConfig, *, listed: int) -> Ranked:
    """Pairs by pointwise mutual information, both words among the frequent ones.

    Args:
        words: of the language.
        unigrams: what was proposed of its words.
        config: least count and information, share and cap.
        listed: entries that may be in the list already.
    """
    if not unigrams.candidates:
        said = ["no word is frequent enough for bigrams"]
        return Ranked(warnings=said, origin=words.description, text=words.figures)
    least, bits = words.least_of_pairs(config), config.bigram_min_pmi
    warnings = []
    if bits is not None and bits > max_information(least, words.tokens):
        warnings.append(
            f"a bigram cannot have {bits:g} bits here: one that occurs {least} times in {words.tokens:,} words has "
            f"{max_information(least, words.tokens):.1f} at most; lower the threshold, or the least count"
        )
    # A share cut the words off at some count; without one the least count is what frequent means.
    word_least = (
        int(unigrams.candidates[-1].score or 1) if config.unigram_share is not None else config.unigram_min_count
    )
    # More unigrams are proposed than are kept, for the list may hold some already.
    kept = _fewest(len(unigrams.candidates), config.unigram_cap)
    share = _share(config.bigram_share, kept or 0, config.bigram_cap)
    with named_worker_errors(source="the text"), changed_settings(words.rows.sparkSession, _SORTED):
        rows = collocations(
            words.rows,
            word_least=word_least,
            least=least,
            least_ratio=0.0 if bits is None else 2.0**bits / words.tokens,
            most=_fewest(share, room(config.bigram_cap, listed)),
            joined=words.joined,
        ).collect()
    scores = [pointwise_mutual_information(row.pair, row.first, row.second, words.tokens) for row in rows]
    figures = {
        "min count requested": least,
        "min word count requested": word_least,
        "share requested": config.bigram_share,
        "min PMI requested": bits,
        MIN_PMI_REACHED: scores[-1] if scores else None,
    }
    candidates = [Candidate(row.text, score) for row, score in zip(rows, scores, strict=True)]
    return Ranked(candidates, figures, warnings, words.description, words.figures)


def title_candidates(
    spark: SparkSession,
    sources: MetadataSources,
    language: str,
    config: MetadataConfig,
    *,
    articles: Articles | None,
) -> Ranked:
    """Titles by page views; of articles in the dump only, where there is one.

    Args:
        spark: a session.
        sources: page views among them.
        language: code of the Wikipedia.
        config: least views, share and cap.
        articles: of the dump; None: all titles are taken.

    Raises:
        InputError: a file is none of page views, or it is not known of which Wikipedias they are to be.
    """
    wikis = articles.wikis if articles is not None else (language_code(language),)
    if OTHER in wikis:
        raise InputError(f"page views of {OTHER!r} are those of the Wikipedias whose dumps are given: give their dumps")
    projects = [project for wiki in wikis for project in projects_of(wiki)]
    lines = open_page_views(spark, sources.page_views)
    with named_worker_errors(source="the page views"), changed_settings(spark, _SORTED):
        kept = sort_lines(lines, projects, config.title_min_line_views).persist(StorageLevel.DISK_ONLY)
        titles = views_by_title(kept).persist(StorageLevel.DISK_ONLY)
        try:
            figures = _line_figures(kept, titles, lines.inputFiles())
            counted = titles.where(F.col("fate") == LineFate.COUNTED.value)
            if articles is not None:
                figures["titles in no article"] = counted.join(articles.titles, "title", "left_anti").count()
                counted = counted.join(articles.titles, "title", "left_semi")
            distinct = counted.count()
            # Without a share all with enough views: which of them can be entries is known in the merge only.
            most = _share(config.title_share, distinct, config.title_cap)
            rows = most_viewed(counted, least=config.title_min_views, most=most).collect()
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
    origin = (articles.description if articles else {}) | {"page_views": described_files(spark, sources.page_views)}
    return Ranked([Candidate(row.title, row.views) for row in rows], figures, origin=origin)


def _line_figures(kept: DataFrame, titles: DataFrame, files: list[str]) -> dict[str, float | None]:
    """Lines by what became of them.

    Raises:
        InputError: a file has no line, or more malformed ones than others.
    """
    by_file: dict[str, dict[str, int]] = {}
    figures: dict[str, float | None] = {}
    for row in kept.groupBy("file", "fate").agg(F.sum("lines").alias("lines")).collect():
        by_file.setdefault(row.file, {})[row.fate] = row.lines
    for file, fates in sorted(by_file.items()):
        malformed, lines = fates.get(LineFate.MALFORMED.value, 0), sum(fates.values())
        if malformed > MOST_MALFORMED * lines:
            raise InputError(
                f"{file} is no file of page views: {malformed:,} of its {lines:,} lines are not `project title views "
                "bytes`; perhaps an error page was saved in its place: download it again"
            )
    filled = {same_name(file) for file in by_file}
    empty = sorted(file for file in files if same_name(file) not in filled)
    if empty:
        raise InputError(
            f"of {len(files)} files of page views {len(empty)} are empty ({', '.join(empty[:_EXAMPLES])}"
            f"{', …' if len(empty) > _EXAMPLES else ''}): download them again"
        )
    for fates in by_file.values():
        for fate, lines in fates.items():
            if fate != LineFate.COUNTED.value:
                figures[f"lines {fate}"] = (figures.get(f"lines {fate}") or 0) + lines
    for row in titles.groupBy("fate").agg(F.sum("lines").alias("lines")).collect():
        figures[f"lines {row.fate}"] = row.lines
    return figures


def _share(share: float | None, distinct: int, cap: int | None) -> int | None:
    """Texts that a share of the distinct ones is, the cap at most; None without a share."""
    if share is None:
        return None
    kept = int(share * distinct)
    return kept if cap is None else min(kept, cap)


def room(cap: int | None, listed: int) -> int | None:
    """Candidates that are enough to admit as many as the cap, when all that are listed already are among them.

    >>> room(100, 7), room(None, 7)
    (107, None)
    """
    return None if cap is None else cap + listed


def _fewest(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
