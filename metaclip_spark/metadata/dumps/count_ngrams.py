"""Words, pairs of neighbours and titles of a dump in one pass: combined per task in bounded memory, then summed.

Every row is `kind`, `text`, `count`; figures about pages and files, of which there are few, go the same way.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.languages import is_no_space
from metaclip_spark.core.ngrams.counter import MAX_PAIRS, MAX_WORDS, NgramCounter, NgramCounts
from metaclip_spark.core.ngrams.segmentation import segmenter
from metaclip_spark.core.wikitext.dump_pages import PageFate, ends_dump, read_page, read_site
from metaclip_spark.core.wikitext.markup_tables import markup_tables
from metaclip_spark.core.wikitext.plain_text import plain_text
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.dumps.dump import refuse_unknown_wiki
from metaclip_spark.spark.library import map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyspark.sql import DataFrame

    from metaclip_spark.core.wikitext.dump_pages import Site

WORD, PAIR, TITLE, FIGURE = range(4)
"""Kinds of rows. Of a FIGURE the text is its name, of a TITLE the count is the number of articles."""
NGRAM_SCHEMA: Final = "kind tinyint, text string, count bigint"

_ARROW_SCHEMA: Final = pa.schema([("kind", pa.int8()), ("text", pa.string()), ("count", pa.int64())])
_MOST_TITLES: Final = 4096
BEGINS, ENDS = "begins ", "ends "
"""Figures of a file, whose name follows."""


def count_ngrams(
    pieces: DataFrame,
    sites: Sequence[Site],
    language: str,
    *,
    keep_odd: bool = False,
    max_words: int = MAX_WORDS,
    max_pairs: int = MAX_PAIRS,
) -> DataFrame:
    """Exact counts, whatever the partitions.

    Args:
        pieces: of a dump: `piece`, `file`.
        sites: of its wikis.
        language: of its text.
        keep_odd: words may begin and end with quotes, brackets and markup.
        max_words: distinct words that a task holds before it hands them to the shuffle.
        max_pairs: pairs, repetitions included, that it holds.

    Returns:
        `kind`, `text`, `count`; each kind and text once.
    """
    count = _counted(sites, language, keep_odd=keep_odd, max_words=max_words, max_pairs=max_pairs)
    return sum_counts(map_in_arrow(pieces, count, NGRAM_SCHEMA))


def count_titles(pieces: DataFrame, sites: Sequence[Site], language: str) -> DataFrame:
    """Titles of the articles and figures of the pages alone, as `count_ngrams` has them; the text is not looked at.

    Args:
        pieces: of a dump: `piece`, `file`.
        sites: of its wikis.
        language: of its text.

    Returns:
        `kind`, `text`, `count`; each kind and text once.
    """
    return sum_counts(map_in_arrow(pieces, _listed(sites, language), NGRAM_SCHEMA))


def sum_counts(rows: DataFrame) -> DataFrame:
    """Counts of equal texts, added."""
    return rows.groupBy("kind", "text").agg(F.sum("count").alias("count"))


def _counted(
    sites: Sequence[Site], language: str, *, keep_odd: bool, max_words: int, max_pairs: int
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function of one task: pieces of a dump in, counts out."""
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
            if len(titles) >= _MOST_TITLES:
                yield _title_rows(titles)
                titles = []
        yield from _ngram_rows(counter.drain())
        figures["tokens left out"] += counter.left_out
        yield _title_rows(titles)
        yield _figure_rows(figures)

    return count


def _listed(sites: Sequence[Site], language: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function of one task: pieces of a dump in, titles out."""

    def list_(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        figures: Counter[str] = Counter()
        titles = (title for title, _ in _pages(batches, sites, language, figures) if title)
        while some := list(islice(titles, _MOST_TITLES)):
            yield _title_rows(some)
        yield _figure_rows(figures)

    return list_


def _pages(
    batches: Iterator[pa.RecordBatch], sites: Sequence[Site], language: str, figures: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """Title and wikitext of each piece, as `_read` has them."""
    wikis = [site.wiki for site in sites]
    for batch in batches:
        for piece, file in zip(batch.column("piece"), batch.column("file"), strict=True):
            yield _read(piece.as_buffer().to_pybytes(), str(file), wikis, language, figures)


def _read(piece: bytes, file: str, wikis: Sequence[str], language: str, figures: Counter[str]) -> tuple[str, bytes]:
    """Title and wikitext of a piece, "" and b"" if it is no article; what it is goes into the figures.

    Raises:
        InputError: the dump is cut, of the history, or of another wiki.
    """
    site = read_site(piece) if b"<mediawiki" in piece[:4096] else None
    if site is not None:
        refuse_unknown_wiki(site, wikis, language, file)
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
                yield _rows(kind, texts, numbers)


def _title_rows(titles: list[str]) -> pa.RecordBatch:
    return _rows(TITLE, pa.array(titles, pa.string()), pa.repeat(pa.scalar(1, pa.int64()), len(titles)))


def _figure_rows(figures: Counter[str]) -> pa.RecordBatch:
    return _rows(FIGURE, pa.array(list(figures), pa.string()), pa.array(list(figures.values()), pa.int64()))


def _rows(kind: int, texts: pa.Array, counts: pa.Array) -> pa.RecordBatch:
    return pa.record_batch([pa.repeat(pa.scalar(kind, pa.int8()), len(texts)), texts, counts], schema=_ARROW_SCHEMA)
