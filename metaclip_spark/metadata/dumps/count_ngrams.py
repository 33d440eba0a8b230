"""Count the words, pairs of neighbours and titles of a dump in one pass: per task in bounded memory, then summed."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.languages import is_no_space
from metaclip_spark.core.ngrams.counter import MAX_PAIRS, MAX_WORDS, NgramCounter, NgramCounts
from metaclip_spark.core.ngrams.segmentation import segmenter
from metaclip_spark.core.wikitext.dump_pages import PageFate, ends_dump, read_page, read_site
from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.count_rows import COUNT_SCHEMA, PAIR, TITLE, WORD, count_rows, figure_rows, sum_counts
from metaclip_spark.metadata.dumps.open_dump import check_wiki
from metaclip_spark.spark.arrow_functions import map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from metaclip_spark.core.wikitext.dump_pages import Site

BEGINS, ENDS = "begins ", "ends "
"""Prefixes of the figures that count how often a file starts and ends as a dump does; the file's location follows."""

_TITLES_PER_BATCH: Final = 4096


def count_ngrams(
    pieces: DataFrame,
    sites: Sequence[Site],
    language: str,
    *,
    keep_odd: bool = False,
    max_words: int = MAX_WORDS,
    max_pairs: int = MAX_PAIRS,
) -> DataFrame:
    """Count the text of a dump exactly; the result does not depend on the partitions.

    Args:
        pieces: Pieces of a dump: `piece`, `file`.
        sites: Descriptions of its wikis.
        language: Code of its language.
        keep_odd: Whether words may begin and end with quotes, brackets and markup.
        max_words: Distinct words at which a task passes its counts to the shuffle.
        max_pairs: Pairs, with repetitions, at which a task passes its counts to the shuffle.

    Returns:
        `kind`, `text`, `count`; each kind and text once.
    """
    count = _count_pieces(sites, language, keep_odd=keep_odd, max_words=max_words, max_pairs=max_pairs)
    return sum_counts(map_in_arrow(pieces, count, COUNT_SCHEMA))


def count_titles(pieces: DataFrame, sites: Sequence[Site], language: str) -> DataFrame:
    """Return the titles and figures that `count_ngrams` returns, without reading the text.

    Args:
        pieces: Pieces of a dump: `piece`, `file`.
        sites: Descriptions of its wikis.
        language: Code of its language.

    Returns:
        `kind`, `text`, `count`; each kind and text once.
    """
    return sum_counts(map_in_arrow(pieces, _list_titles(sites, language), COUNT_SCHEMA))


def _count_pieces(
    sites: Sequence[Site], language: str, *, keep_odd: bool, max_words: int, max_pairs: int
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function of one task, which takes pieces of a dump and yields counts."""
    hidden = tuple(dict.fromkeys(name for site in sites for name in site.hidden))

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counter = NgramCounter(max_words=max_words, max_pairs=max_pairs, keep_odd=keep_odd)
        segment = segmenter(language) if is_no_space(language) else None
        tables = markup_tables(hidden)
        figures: Counter[str] = Counter()
        titles: list[str] = []
        for title, wikitext in _pages(batches, sites, language, figures):
            if title:
                titles.append(title)
            if wikitext:
                text = plain_text(wikitext, tables)
                yield from _ngram_rows(counter.add(segment(text) if segment else text))
            if len(titles) >= _TITLES_PER_BATCH:
                yield _title_rows(titles)
                titles = []
        yield from _ngram_rows(counter.drain())
        figures["tokens left out"] += counter.left_out
        yield _title_rows(titles)
        yield figure_rows(figures)

    return count


def _list_titles(
    sites: Sequence[Site], language: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function of one task, which takes pieces of a dump and yields titles."""

    def list_titles(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        figures: Counter[str] = Counter()
        titles = (title for title, _ in _pages(batches, sites, language, figures) if title)
        while some := list(islice(titles, _TITLES_PER_BATCH)):
            yield _title_rows(some)
        yield figure_rows(figures)

    return list_titles


def _pages(
    batches: Iterator[pa.RecordBatch], sites: Sequence[Site], language: str, figures: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the result of `_read_piece` for each piece."""
    wikis = [site.wiki for site in sites]
    for batch in batches:
        for piece, file in zip(batch.column("piece"), batch.column("file"), strict=True):
            yield _read_piece(piece.as_buffer().to_pybytes(), str(file), wikis, language, figures)


def _read_piece(
    piece: bytes, file: str, wikis: Sequence[str], language: str, figures: Counter[str]
) -> tuple[str, bytes]:
    """Return title and wikitext of an article, or "" and b"" for any other page, and count the page in the figures.

    Raises:
        InputError: The dump is truncated, of a complete history, or of another wiki.
    """
    site = read_site(piece) if b"<mediawiki" in piece[:4096] else None
    if site is not None:
        check_wiki(site, wikis, language, file)
        figures[BEGINS + file] += 1
    try:
        page = read_page(piece)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    if page.fate is PageFate.NO_PAGE:
        if ends_dump(piece):
            figures[ENDS + file] += 1
        return "", b""
    figures[f"pages {page.fate.value}"] += 1
    figures["pages repaired"] += page.repaired
    return page.title, page.wikitext


def _ngram_rows(counts: Iterator[NgramCounts]) -> Iterator[pa.RecordBatch]:
    for part in counts:
        for kind, texts, numbers in ((WORD, part.words, part.word_counts), (PAIR, part.pairs, part.pair_counts)):
            if len(texts):
                yield count_rows(kind, texts, numbers)


def _title_rows(titles: list[str]) -> pa.RecordBatch:
    return count_rows(TITLE, titles, [1] * len(titles))
