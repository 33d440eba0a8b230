"""Words, pairs and titles of a language: counted from a dump, or taken from ready-made lists."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.languages import is_no_space, language_code
from metaclip_spark.core.ngrams.collocations import MIN_SCALED_COUNT, scaled_count
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.dumps.checks import checked_files, refuse_no_article, refuse_repeated, title_totals
from metaclip_spark.metadata.dumps.count_ngrams import FIGURE, PAIR, WORD, count_ngrams, sum_counts
from metaclip_spark.metadata.dumps.dump import READING, open_dump
from metaclip_spark.metadata.dumps.list_articles import Articles, described_dump, titles_of
from metaclip_spark.metadata.sources.count_list import LINES, MALFORMED, NO_WORDS, PAIRS, read_counts
from metaclip_spark.metadata.sources.source_files import named_files
from metaclip_spark.spark.progress import Progress
from metaclip_spark.spark.settings import changed_settings
from metaclip_spark.spark.task_progress import watched_step
from metaclip_spark.spark.worker_errors import named_worker_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, Row, SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources

MOST_MALFORMED: Final = 0.5
"""Share of lines that may be malformed: real files have one in a million."""


@dataclass(frozen=True)
class CountedWords:
    """Counts of a language's text.

    Attributes:
        rows: `kind`, `text`, `count`, kept on the executors' disks; pairs too rare to be taken are left out.
        tokens: N, word tokens.
        distinct_words: number of different words.
        joined: the language is written without spaces, and so are its pairs.
        from_dump: there are titles of articles.
        wikis: codes of the Wikipedias that it is the text of.
        description: of the source, for the manifest.
        figures: pages or lines by what became of them.
    """

    rows: DataFrame
    tokens: int
    distinct_words: int
    joined: bool
    from_dump: bool
    wikis: tuple[str, ...]
    description: dict[str, object]
    figures: dict[str, int]

    @property
    def articles(self) -> Articles | None:
        """The articles; None where the words are of ready-made lists."""
        return Articles(titles_of(self.rows), self.wikis, self.description) if self.from_dump else None

    def least_of_pairs(self, config: MetadataConfig) -> int:
        """Occurrences that a pair needs: scaled down to this corpus."""
        return (
            config.bigram_min_count
            if config.bigram_min_count_exact
            else scaled_count(config.bigram_min_count, self.tokens)
        )


@contextmanager
def counted_words(
    spark: SparkSession, sources: MetadataSources, language: str, config: MetadataConfig, timer: Progress | None = None
) -> Iterator[CountedWords | None]:
    """Count, for a `with` block; None if there is neither a dump nor a list.

    Args:
        spark: a session.
        sources: a dump or lists among them.
        language: code of the Wikipedia.
        config: what a word is, and how rare a pair is never taken.
        timer: of the run.

    Raises:
        InputError: a source cannot be used, is cut, of another language, or holds no words.
    """
    with ExitStack() as stack:
        if not (sources.dump or sources.unigrams):
            yield None
            return
        timer = timer or Progress()
        with watched_step(spark, timer, "count words"):
            words = _count(spark, sources, language, config, stack)
            timer.note(f"{words.tokens:,} words, {words.distinct_words:,} distinct,")
        yield words


def _count(
    spark: SparkSession, sources: MetadataSources, language: str, config: MetadataConfig, stack: ExitStack
) -> CountedWords:
    """Counts on the executors' disks, until the stack is left."""
    source = "the dump" if sources.dump else "the counts"
    never = config.bigram_min_count if config.bigram_min_count_exact else min(config.bigram_min_count, MIN_SCALED_COUNT)
    files: list[str] = []
    wikis: tuple[str, ...] = (language_code(language),)
    description: dict[str, object]
    with named_worker_errors(source=source), changed_settings(spark, READING if sources.dump else {}):
        if sources.dump:
            dump = open_dump(spark, sources.dump, language)
            rows = count_ngrams(dump.pieces, dump.sites, language, keep_odd=config.keep_odd)
            files, wikis = dump.files, tuple(site.wiki for site in dump.sites)
            description = described_dump(spark, dump, sources.dump)
        else:
            rows = _lists(spark, sources, config)
            description = {
                "unigrams": named_files(spark, sources.unigrams),
                "bigrams": named_files(spark, sources.bigrams),
            }
        kept = rows.where((F.col("kind") != PAIR) | (F.col("count") >= never)).persist(StorageLevel.DISK_ONLY)
        stack.callback(kept.unpersist)
        figures = {row.text: row["count"] for row in kept.where(F.col("kind") == FIGURE).collect()}
        found = _totals(kept, max(1, len(wikis)))
    figures = checked_files(figures, files)
    _refuse_empty(found.distinct, figures, sources)
    if sources.dump:
        refuse_repeated(found, wikis, sources.dump)
    figures = {name: count for name, count in figures.items() if name not in {LINES, LINES + PAIRS}}
    return CountedWords(
        kept, config.tokens or found.tokens, found.distinct, is_no_space(language), bool(sources.dump), wikis,
        description, figures,
    )  # fmt: skip


def _totals(rows: DataFrame, wikis: int) -> Row:
    """Words, and what tells whether articles are repeated, in one pass."""
    word = F.col("kind") == WORD
    distinct = F.count(F.when(word, 1)).alias("distinct")
    tokens = F.sum(F.when(word, F.col("count"))).alias("tokens")
    return rows.where(F.col("kind") != PAIR).agg(distinct, tokens, *title_totals(wikis)).collect()[0]


def _lists(spark: SparkSession, sources: MetadataSources, config: MetadataConfig) -> DataFrame:
    rows = read_counts(spark, sources.unigrams, WORD, FIGURE, 1, config.keep_odd)
    if sources.bigrams:
        rows = rows.union(read_counts(spark, sources.bigrams, PAIR, FIGURE, 2, config.keep_odd))
    return sum_counts(rows)


def _refuse_empty(distinct: int, figures: dict[str, int], sources: MetadataSources) -> None:
    if sources.dump:
        refuse_no_article(figures, sources.dump)
    if not distinct:
        malformed = f"{figures.get(MALFORMED, 0):,} lines are not of the form `word count`" if sources.unigrams else ""
        raise InputError(f"{', '.join(sources.dump or sources.unigrams)} has no words; {malformed or figures}")
    _refuse_other_lists(sources.unigrams, figures, "", "`word count`")
    _refuse_other_lists(sources.bigrams, figures, PAIRS, "`word word count`")


def _refuse_other_lists(places: Sequence[str], figures: dict[str, int], of: str, form: str) -> None:
    """Refuse ready-made counts without a text, and those most of whose lines are something else."""
    if not places:
        return
    lines, malformed, none = (figures.get(name + of, 0) for name in (LINES, MALFORMED, NO_WORDS))
    remedy = f"the form is {form}, a blank or a tab before the count; give other files, or correct these"
    if lines == malformed + none:
        raise InputError(f"{', '.join(places)} has no pair of words in {lines:,} lines: {remedy}")
    if malformed > MOST_MALFORMED * lines:
        raise InputError(f"{', '.join(places)}: {malformed:,} of {lines:,} lines are not of the form {form}: {remedy}")
