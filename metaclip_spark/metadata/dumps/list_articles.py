"""Articles of a dump by their titles, which page views are compared with."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.metadata.dumps.checks import checked_files, refuse_no_article, refuse_repeated, title_totals
from metaclip_spark.metadata.dumps.count_ngrams import FIGURE, TITLE, count_titles
from metaclip_spark.metadata.dumps.dump import READING, open_dump
from metaclip_spark.metadata.sources.source_files import named_files
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.progress import Progress, watched_step
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.metadata.dumps.dump import Dump


@dataclass(frozen=True)
class Articles:
    """Articles of a dump.

    Attributes:
        titles: `title`.
        wikis: codes of the Wikipedias whose articles they are.
        description: of the dump, for the manifest.
    """

    titles: DataFrame
    wikis: tuple[str, ...]
    description: dict[str, object]


@contextmanager
def listed_articles(
    spark: SparkSession, places: Sequence[str], language: str, timer: Progress | None = None
) -> Iterator[Articles | None]:
    """List the articles of a dump, for a `with` block, without a look at their text; None if there is no dump.

    Args:
        spark: a session.
        places: of the dump.
        language: code of the Wikipedia.
        timer: of the run.

    Raises:
        InputError: the dump cannot be used, is cut, of another language, or has no article.
    """
    if not places:
        yield None
        return
    timer = timer or Progress()
    with ExitStack() as stack:
        with (
            watched_step(spark, timer, "list articles"),
            translated_job_errors(source="the dump"),
            changed_settings(spark, READING),
        ):
            dump = open_dump(spark, places, language)
            kept = count_titles(dump.pieces, dump.sites, language).persist(StorageLevel.DISK_ONLY)
            stack.callback(kept.unpersist)
            figures = {row.text: row["count"] for row in kept.where(F.col("kind") == FIGURE).collect()}
            found = kept.agg(*title_totals(len(dump.sites))).collect()[0]
            timer.note(f"{found.titles:,} titles,")
        wikis = tuple(site.wiki for site in dump.sites)
        refuse_no_article(checked_files(figures, dump.files), places)
        refuse_repeated(found, wikis, places)
        yield Articles(titles_of(kept), wikis, described_dump(spark, dump, places))


def titles_of(rows: DataFrame) -> DataFrame:
    """Titles among the rows of a dump: `title`."""
    return rows.where(F.col("kind") == TITLE).select(F.col("text").alias("title"))


def described_dump(spark: SparkSession, dump: Dump, places: Sequence[str]) -> dict[str, object]:
    """Databases and files of a dump, for the manifest."""
    return {"dump": ", ".join(site.database for site in dump.sites), "files": named_files(spark, places)}
