"""Ready-made counts: one `word count` or `word<TAB>count` per line; words of a pair are separated by a space."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.words import is_word
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.count_rows import COUNT_SCHEMA, PAIR, count_rows, figure_rows
from metaclip_spark.metadata.sources.source_files import MAX_MALFORMED, open_text
from metaclip_spark.spark.arrow_functions import map_in_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_LINES, _MALFORMED, _NO_WORDS = "lines", "lines malformed", "lines without words"
_OF_PAIRS: Final = " of pairs"
"""Suffix of the figures of a list of pairs."""
TOTAL_LINES: Final = frozenset({_LINES, _LINES + _OF_PAIRS})
"""Figures that serve the checks only."""

_LINE: Final = re.compile(r"\ufeff?(.*)[ \t]([0-9]{1,18})[ \t]*\r?", re.DOTALL)


def read_counts(spark: SparkSession, paths: Sequence[str], kind: int, *, keep_odd: bool) -> DataFrame:
    """Read the counts of a list, and figures about its lines.

    Args:
        spark: A session.
        paths: Files or folders.
        kind: WORD or PAIR.
        keep_odd: Whether words may begin and end with quotes, brackets and markup.

    Returns:
        `kind`, `text`, `count`; a text occurs as often as in the list.

    Raises:
        InputError: There are no readable files.
    """
    expected = "files of `word count` or `word<TAB>count` lines, plain or .gz"
    lines = open_text(spark, paths, what="counts", expected=expected)
    raw = lines.select(F.col("value").cast("binary").alias("line"))
    return map_in_arrow(raw, _parse_batches(kind, keep_odd=keep_odd), COUNT_SCHEMA)


def check_lines(paths: Sequence[str], figures: Mapping[str, int], kind: int) -> None:
    """Raise InputError if a list has no texts of its kind, or if most of its lines are malformed."""
    if not paths:
        return
    suffix, form = (_OF_PAIRS, "`word word count`") if kind == PAIR else ("", "`word count`")
    lines, malformed, none = (figures.get(name + suffix, 0) for name in (_LINES, _MALFORMED, _NO_WORDS))
    remedy = f"The form is {form}, with a space or a tab before the count. Correct the files or pass others"
    if lines == malformed + none:
        texts = "pair of words" if kind == PAIR else "words"
        raise InputError(
            f"{', '.join(paths)} has no {texts} in {lines:,} lines, of which {malformed:,} are not of the form {form}. "
            f"{remedy}."
        )
    if malformed > MAX_MALFORMED * lines:
        raise InputError(f"{', '.join(paths)}: {malformed:,} of {lines:,} lines are not of the form {form}. {remedy}.")


def parse_count_line(line: str) -> tuple[str, int] | None:
    r"""Return text and count of a line; None if the line is malformed.

    >>> parse_count_line("new york\t12\r"), parse_count_line("là 3578529"), parse_count_line("12")
    (('new york', 12), ('là', 3578529), None)
    """
    match = _LINE.fullmatch(line)
    return (match.group(1), int(match.group(2))) if match else None


def _parse_batches(kind: int, *, keep_odd: bool) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    suffix, words = (_OF_PAIRS, 2) if kind == PAIR else ("", 1)

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        figures: Counter[str] = Counter()
        for batch in batches:
            texts, counts = [], []
            figures[_LINES + suffix] += batch.num_rows
            for raw in batch.column("line").to_pylist():
                parsed = parse_count_line(raw.decode("utf-8", "replace"))
                if parsed is None:
                    figures[_MALFORMED + suffix] += 1
                    continue
                parts = parsed[0].split(" ")
                if len(parts) == words and all(is_word(part, keep_odd=keep_odd) for part in parts):
                    texts.append(parsed[0])
                    counts.append(parsed[1])
                else:
                    figures[_NO_WORDS + suffix] += 1
            yield count_rows(kind, texts, counts)
        yield figure_rows(figures)

    return parse
