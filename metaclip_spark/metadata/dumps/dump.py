"""A `pages-articles` dump as a table of its pages: one file of XML or bz2 is read by all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.languages import OTHER, is_no_space
from metaclip_spark.core.wikitext.dump_pages import PAGE_END, Site, read_site
from metaclip_spark.errors import InputError
from metaclip_spark.spark.locations import absolute

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pyspark.sql import DataFrame, SparkSession

READING: Final = {
    # Two batches of pages are in memory in each worker at once: by bytes, for a page may have megabytes. Larger ones
    # are no faster.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2 * 2**20),
    # Spark counts 4 MB for opening a file, and so leaves one of a few MB to one core.
    "spark.sql.files.openCostInBytes": str(2**18),
}
"""Settings of the session while a dump is read."""


class Dump(NamedTuple):
    """A dump that is there and of the language asked for.

    Attributes:
        pieces: what stands before each `</page>`, and behind the last: `piece` (binary) and `file`.
        sites: what its wikis say about themselves: one, but where a language has variants with Wikipedias of their
            own.
        files: locations.
    """

    pieces: DataFrame
    sites: tuple[Site, ...]
    files: list[str]


def open_dump(spark: SparkSession, paths: Sequence[str], language: str) -> Dump:
    """Look at the beginning of a dump.

    Args:
        spark: a session.
        paths: files or folders: .xml, .gz or .bz2, one stream or many; each of one wiki.
        language: that they have to be of.

    Raises:
        InputError: nothing there, no dump, or one of another language.
    """
    places = [absolute(path) for path in paths]
    pieces = _pieces(spark, places)
    files = sorted(pieces.inputFiles())
    if not files:
        raise InputError(f"the dump {', '.join(paths)} has no files")
    sites = {site.wiki: site for site in (_site_of(spark, place, language) for place in _one_of_each(places))}
    return Dump(pieces, tuple(sites[wiki] for wiki in sorted(sites)), files)


def refuse_unknown_wiki(site: Site, wikis: Collection[str], language: str, file: str) -> None:
    """Refuse a file of another wiki than those that were looked at: its names of namespaces are not known.

    Raises:
        InputError: it is, perhaps of another language.
    """
    refuse_other_language(site, language, file)
    if site.wiki not in wikis:
        raise InputError(
            f"the dump {file} is of {site.database}, and others beside it are of {', '.join(sorted(wikis))}wiki: name "
            "the dump of each wiki by itself, as a file or a folder"
        )


def refuse_other_language(site: Site, language: str, file: str) -> None:
    """Refuse a dump of another wiki.

    Raises:
        InputError: it is.
    """
    if not site.is_of(language):
        raise InputError(
            f"the dump {file} is of {site.database or '(no name)'} in language {site.language!r}, not of {language!r}: "
            f"take the dump of {language}wiki, or ask for its own language"
        )
    if language == OTHER and is_no_space(site.wiki):
        raise InputError(
            f"the dump {file} is of {site.database}, whose language is written without spaces: it needs a list of its "
            f"own, with --language {site.wiki}"
        )


def _one_of_each(places: Sequence[str]) -> list[str]:
    """One place of each wiki: files whose names begin alike (enwiki-…) are of one dump; if not, a task finds out."""
    return list({place.rstrip("/").rpartition("/")[2].partition("-")[0]: place for place in places}.values())


def _site_of(spark: SparkSession, place: str, language: str) -> Site:
    """What the first file of a place says about its wiki."""
    pieces = _pieces(spark, [place])
    # The first task begins at the beginning of a file: Spark orders parts of files by their size
    first = pieces.take(1)
    site = read_site(bytes(first[0].piece)) if first else None
    if site is None:
        raise InputError(
            f"{first[0].file if first else place} is no dump of a wiki: it does not begin with <mediawiki …>: take "
            "pages-articles.xml.bz2"
        )
    refuse_other_language(site, language, first[0].file)
    return site


def _pieces(spark: SparkSession, places: list[str]) -> DataFrame:
    try:
        rows = spark.read.text(places, lineSep=PAGE_END, recursiveFileLookup=True)
    except AnalysisException as error:
        raise InputError(f"cannot read the dump {', '.join(places)}: {error.getCondition()}") from None
    # As bytes: Spark hands text on unchecked, and one byte that is no UTF-8 would stop the task
    return rows.select(F.col("value").cast("binary").alias("piece"), F.col("_metadata.file_path").alias("file"))
