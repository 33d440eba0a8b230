"""A `pages-articles` dump as a table of its pages: all cores read one file of plain XML or bz2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.languages import OTHER, is_no_space, language_code
from metaclip_spark.core.wikitext.dump_pages import PAGE_END, Site, read_site
from metaclip_spark.core.wikitext.projects import SIMPLE, other_project
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.sources.source_files import open_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pyspark.sql import DataFrame, SparkSession

DUMP_SETTINGS: Final = {
    # Each Python worker has two batches of pages in memory. They are limited by bytes because one page may have
    # megabytes; larger batches are not faster.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2 * 2**20),
    # Spark counts 4 MB for opening a file, and would leave a file of a few MB to one core.
    "spark.sql.files.openCostInBytes": str(2**18),
}
"""Settings of the session while a dump is read."""


class Dump(NamedTuple):
    """A dump of the requested language.

    Attributes:
        pieces: `piece` (binary: the text before each `</page>`, and after the last one) and `file`.
        sites: Description of each of its wikis, by code: one, unless the language has variants with Wikipedias of
            their own.
        files: Locations.
    """

    pieces: DataFrame
    sites: tuple[Site, ...]
    files: list[str]

    @property
    def wikis(self) -> tuple[str, ...]:
        """Codes of its Wikipedias."""
        return tuple(site.wiki for site in self.sites)


def open_dump(spark: SparkSession, paths: Sequence[str], language: str, *, any_project: bool = False) -> Dump:
    """Open a dump and read its first page.

    Args:
        spark: A session.
        paths: Files or folders, each with the dump of one wiki: .xml, .gz or .bz2, with one stream or several.
        language: Code of the language that the dump must have.
        any_project: Whether the dump may be of another project than Wikipedia, such as Wiktionary.

    Raises:
        InputError: No file was found, or the dump is of another language or of another project than Wikipedia.
    """
    pieces = _pieces(spark, paths)
    found = [_read_site(spark, path, language, any_project=any_project) for path in _one_per_wiki(paths)]
    sites = {site.wiki: site for site in found}
    return Dump(pieces, tuple(sites[wiki] for wiki in sorted(sites)), sorted(pieces.inputFiles()))


def check_wiki(site: Site, wikis: Collection[str], language: str, file: str) -> None:
    """Raise InputError if a file is of a wiki that `open_dump` did not read: its namespaces are unknown."""
    _check_language(site, language, file)
    if site.wiki not in wikis:
        raise InputError(
            f"The dump {file} is of {site.database}, but other files in its folder are of {', '.join(sorted(wikis))}"
            "wiki. Pass the dump of each wiki separately, as a file or a folder."
        )


def _check_project(site: Site, language: str, file: str) -> None:
    project = other_project(site.database)
    if project:
        wikipedia = "a Wikipedia" if language == OTHER else f"{language_code(language)}wiki"
        raise InputError(
            f"The dump {file} is of {site.database} ({project}), not of a Wikipedia. Pass the dump of {wikipedia}; or "
            "read it nevertheless, with --any-project and without page views, in `metadata build` or `metadata ngrams`."
        )


def _check_language(site: Site, language: str, file: str) -> None:
    if not site.is_of(language):
        if site.wiki == SIMPLE:
            raise InputError(
                f"The dump {file} is of {site.database}, the Wikipedia in Simple English, not of {language!r}. Pass "
                f"the dump of {language_code(language)}wiki, or --language {SIMPLE}."
            )
        raise InputError(
            f"The dump {file} is of {site.database or '(no name)'} in language {site.language!r}, not of {language!r}. "
            f"Pass the dump of {language}wiki, or another --language."
        )
    if language == OTHER and (is_no_space(site.wiki) or is_no_space(site.language)):
        raise InputError(
            f"The dump {file} is of {site.database}, whose language is written without spaces. Build metadata of its "
            f"own with --language {site.wiki}."
        )


def _one_per_wiki(paths: Sequence[str]) -> list[str]:
    """Return one path per wiki, by the start of the file names (enwiki-…); tasks find the wikis that this misses."""
    return list({path.rstrip("/").rpartition("/")[2].partition("-")[0]: path for path in paths}.values())


def _read_site(spark: SparkSession, path: str, language: str, *, any_project: bool) -> Site:
    # The first task starts at the beginning of a file, because Spark orders the parts of files by size.
    first = _pieces(spark, [path]).take(1)
    site = read_site(bytes(first[0].piece)) if first else None
    if site is None:
        raise InputError(
            f"{first[0].file if first else path} is not a dump of a wiki: it does not start with <mediawiki …>. Pass a "
            "file pages-articles.xml.bz2."
        )
    if not any_project:
        _check_project(site, language, first[0].file)
    _check_language(site, language, first[0].file)
    return site


def _pieces(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    expected = "files pages-articles….xml.bz2 (or .xml, .gz), or folders of them"
    rows = open_text(spark, paths, what="dump", expected=expected, separator=PAGE_END)
    return rows.select(F.col("value").cast("binary").alias("piece"), "file")
