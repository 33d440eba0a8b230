"""Words, pairs and titles of a language, counted in a dump or taken from ready-made counts."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.languages import is_no_space, language_code
from metaclip_spark.core.ngrams.collocations import MIN_SCALED_COUNT, scaled_count
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.count_rows import FIGURE, PAIR, TITLE, WORD, sum_counts
from metaclip_spark.metadata.dumps.count_ngrams import count_ngrams, count_titles
from metaclip_spark.metadata.dumps.dump_checks import check_articles, check_files, check_repeated, title_totals
from metaclip_spark.metadata.dumps.open_dump import DUMP_SETTINGS, open_dump
from metaclip_spark.metadata.sources.ready_made_counts import TOTAL_LINES, check_lines, read_counts
from metaclip_spark.metadata.sources.source_files import file_names_and_sizes
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pyspark.sql import DataFrame, Row, SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.runs.run import Run


@dataclass(frozen=True)
class CountedText:
    """Counts of the text of a language.

    Attributes:
        rows: `kind`, `text`, `count`, stored on the executors' disks, without pairs that are too rare to be proposed.
        tokens: N, the number of word tokens.
        distinct_words: Number of distinct words.
        wikis: Codes of the Wikipedias that the text is from.
        has_titles: Whether titles of articles were counted; ready-made counts have none.
        is_joined: Whether bigrams are joined without a space (languages written without spaces).
        sources: Databases and files, for the manifest.
        figures: Pages or lines by their fate.
    """

    rows: DataFrame
    tokens: int
    distinct_words: int
    wikis: tuple[str, ...]
    has_titles: bool
    is_joined: bool
    sources: dict[str, object]
    figures: dict[str, int]

    @property
    def titles(self) -> DataFrame | None:
        """Titles of the articles, as `title`; None if there are none."""
        titles = self.rows.where(F.col("kind") == TITLE).select(F.col("text").alias("title"))
        return titles if self.has_titles else None

    def min_pair_count(self, config: MetadataConfig) -> int:
        """Return the occurrences that a pair needs, scaled down to this text."""
        published = config.bigram_min_count
        return published if config.bigram_min_count_exact else scaled_count(published, self.tokens)


@contextmanager
def counted_text(
    run: Run, sources: MetadataSources, language: str, config: MetadataConfig, *, steps: Collection[str]
) -> Iterator[CountedText | None]:
    """Count the text of a language, for the duration of a `with` block.

    Yields None if the sources have no text, or the steps need none.

    Args:
        run: The run.
        sources: Sources with a dump or ready-made counts.
        language: Code of the Wikipedia.
        config: Rules for words, and the smallest count of a pair that can be proposed.
        steps: Steps of the build. Without "ngrams", only the titles of the dump are read, not its text.

    Raises:
        InputError: A source is unreadable, truncated, of another language, or has no words.
    """
    titles_only = "ngrams" not in steps
    if not (sources.dump and "titles" in steps if titles_only else sources.dump or sources.unigrams):
        yield None
        return
    source = "the dump" if sources.dump else "the counts"
    with ExitStack() as stack:
        with (
            run.step("list articles" if titles_only else "count words", source=source),
            changed_settings(run.spark, DUMP_SETTINGS if sources.dump else {}),
        ):
            if sources.dump:
                text = _count_dump(run, sources, language, config, stack, titles_only=titles_only)
            else:
                text = _read_lists(run.spark, sources, language, config, stack)
            if not titles_only:
                run.note(f"{text.tokens:,} words, {text.distinct_words:,} distinct,")
        yield text


def _count_dump(
    run: Run,
    sources: MetadataSources,
    language: str,
    config: MetadataConfig,
    stack: ExitStack,
    *,
    titles_only: bool,
) -> CountedText:
    dump = open_dump(run.spark, sources.dump, language, any_project=sources.any_project)
    if titles_only:
        counts = count_titles(dump.pieces, dump.sites, language)
    else:
        counts = count_ngrams(dump.pieces, dump.sites, language, keep_odd=config.keep_odd)
    rows, figures, totals = _store(counts, config, stack, wikis=len(dump.wikis))
    run.note(f"{totals.titles:,} titles,")
    figures = check_files(figures, dump.files)
    check_articles(figures, sources.dump)
    if not (totals.distinct or titles_only):
        raise InputError(f"The dump {', '.join(sources.dump)} has no words. Its pages by kind: {figures}.")
    check_repeated(totals, dump.wikis, sources.dump)
    described: dict[str, object] = {
        "dump": ", ".join(site.database for site in dump.sites),
        "files": file_names_and_sizes(run.spark, sources.dump),
    }
    return CountedText(
        rows, config.tokens or totals.tokens, totals.distinct, dump.wikis, has_titles=True,
        is_joined=is_no_space(language), sources=described, figures=figures,
    )  # fmt: skip


def _read_lists(
    spark: SparkSession, sources: MetadataSources, language: str, config: MetadataConfig, stack: ExitStack
) -> CountedText:
    counts = read_counts(spark, sources.unigrams, WORD, keep_odd=config.keep_odd)
    if sources.bigrams:
        counts = counts.union(read_counts(spark, sources.bigrams, PAIR, keep_odd=config.keep_odd))
    rows, figures, totals = _store(sum_counts(counts), config, stack, wikis=1)
    check_lines(sources.unigrams, figures, WORD)
    check_lines(sources.bigrams, figures, PAIR)
    described: dict[str, object] = {
        "unigrams": file_names_and_sizes(spark, sources.unigrams),
        "bigrams": file_names_and_sizes(spark, sources.bigrams),
    }
    figures = {name: count for name, count in sorted(figures.items()) if name not in TOTAL_LINES}
    return CountedText(
        rows, config.tokens or totals.tokens, totals.distinct, (language_code(language),), has_titles=False,
        is_joined=is_no_space(language), sources=described, figures=figures,
    )  # fmt: skip


def _store(
    counts: DataFrame, config: MetadataConfig, stack: ExitStack, *, wikis: int
) -> tuple[DataFrame, dict[str, int], Row]:
    """Store counts on the executors' disks until the stack is left; return them, their figures and their totals."""
    min_pair = (
        config.bigram_min_count if config.bigram_min_count_exact else min(config.bigram_min_count, MIN_SCALED_COUNT)
    )
    rows = counts.where((F.col("kind") != PAIR) | (F.col("count") >= min_pair)).persist(StorageLevel.DISK_ONLY)
    stack.callback(rows.unpersist)
    figures = {row.text: row["count"] for row in rows.where(F.col("kind") == FIGURE).collect()}
    word = F.col("kind") == WORD
    totals = rows.where(F.col("kind") != PAIR).agg(
        F.count(F.when(word, 1)).alias("distinct"),
        F.coalesce(F.sum(F.when(word, F.col("count"))), F.lit(0)).alias("tokens"),
        *title_totals(wikis),
    )
    return rows, figures, totals.collect()[0]
