"""Ready-made counts: `word count` or `word<TAB>count`, a pair of words with a space between; plain or .gz."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.core.words import is_word
from metaclip_spark.errors import InputError
from metaclip_spark.spark.arrow_functions import map_in_arrow
from metaclip_spark.spark.locations import absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

LINES, MALFORMED, NO_WORDS = "lines", "lines malformed", "lines without words"
PAIRS: Final = " of pairs"
"""Figures of a list of words; behind the name of one of a list of pairs stands PAIRS."""

_LINE: Final = re.compile(r"\ufeff?(.*)[ \t]([0-9]{1,18})[ \t]*\r?", re.DOTALL)
_SCHEMA: Final = "kind tinyint, text string, count bigint"
_ARROW_SCHEMA: Final = pa.schema([("kind", pa.int8()), ("text", pa.string()), ("count", pa.int64())])


def read_counts(  # noqa: PLR0917 - by position below
    spark: SparkSession,
    paths: Sequence[str],
    kind: int,
    figure: int,
    words: int,
    keep_odd: bool,  # noqa: FBT001
) -> DataFrame:
    """Counts of a list, and figures of its lines.

    Args:
        spark: a session.
        paths: files or folders.
        kind: of the rows.
        figure: kind of the figures' rows.
        words: of each text: 1 or 2.
        keep_odd: words may begin and end with quotes, brackets and markup.

    Returns:
        `kind`, `text`, `count`; a text stands as often as in the list.

    Raises:
        InputError: nothing there.
    """
    places = [absolute(path) for path in paths]
    try:
        lines = spark.read.text(places, recursiveFileLookup=True).select(F.col("value").cast("binary").alias("line"))
    except AnalysisException as error:
        raise InputError(f"cannot read the counts {', '.join(paths)}: {error.getCondition()}") from None
    return map_in_arrow(lines, _parsed(kind, figure, words, keep_odd=keep_odd), _SCHEMA)


def parse_count_line(line: str) -> tuple[str, int] | None:
    r"""Text and count of a line; None if it has no such form.

    >>> parse_count_line("new york\t12\r"), parse_count_line("là 3578529"), parse_count_line("12")
    (('new york', 12), ('là', 3578529), None)
    """
    match = _LINE.fullmatch(line)
    return (match.group(1), int(match.group(2))) if match else None


def _parsed(
    kind: int, figure: int, words: int, *, keep_odd: bool
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        figures: Counter[str] = Counter()
        of = PAIRS if words > 1 else ""
        for batch in batches:
            texts, counts = [], []
            figures[LINES + of] += batch.num_rows
            for raw in batch.column("line").to_pylist():
                parsed = parse_count_line(raw.decode("utf-8", "replace"))
                if parsed is None:
                    figures[MALFORMED + of] += 1
                    continue
                parts = parsed[0].split(" ")
                if len(parts) == words and all(is_word(part, keep_odd=keep_odd) for part in parts):
                    texts.append(parsed[0])
                    counts.append(parsed[1])
                else:
                    figures[NO_WORDS + of] += 1
            yield _rows(kind, texts, counts)
        yield _rows(figure, list(figures), list(figures.values()))

    return parse


def _rows(kind: int, texts: list[str], counts: list[int]) -> pa.RecordBatch:
    columns = [
        pa.repeat(pa.scalar(kind, pa.int8()), len(texts)),
        pa.array(texts, pa.string()),
        pa.array(counts, pa.int64()),
    ]
    return pa.record_batch(columns, schema=_ARROW_SCHEMA)
