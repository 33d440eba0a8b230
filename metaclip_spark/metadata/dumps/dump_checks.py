"""Checks of a dump by the figures of its pages: complete, with articles, each page once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.metadata.count_rows import TITLE
from metaclip_spark.metadata.dumps.count_ngrams import BEGINS, ENDS
from metaclip_spark.spark.locations import same_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, Row

_ARTICLES: Final = "pages article"
_MAX_REPEATED: Final = 0.001
"""Share of titles that may occur twice. A few do: pages are renamed and created while a dump is written."""


def check_files(figures: dict[str, int], files: list[str]) -> dict[str, int]:
    """Check that each file starts and ends as a dump does, and return the figures without those of single files.

    Raises:
        InputError: A file does not start or end in this way.
    """
    started = {same_name(name.removeprefix(BEGINS)) for name in figures if name.startswith(BEGINS)}
    ended = {same_name(name.removeprefix(ENDS)) for name in figures if name.startswith(ENDS)}
    for file in files:
        if same_name(file) not in started:
            raise InputError(
                f"{file} does not start as a dump does, with <mediawiki …>. Remove it from the folder or the command."
            )
        if same_name(file) not in ended:
            raise InputError(f"The dump {file} is truncated: it does not end with </mediawiki>. Download it again.")
    return {name: count for name, count in sorted(figures.items()) if not name.startswith((BEGINS, ENDS))}


def check_articles(figures: dict[str, int], paths: Sequence[str]) -> None:
    """Raise InputError if a dump has no article."""
    if not figures.get(_ARTICLES):
        raise InputError(f"The dump {', '.join(paths)} has no article. Its pages by kind: {figures}.")


def title_totals(wikis: int) -> list[Column]:
    """Return the aggregates that `check_repeated` needs.

    Args:
        wikis: Number of wikis, each of which may have an article of the same title.
    """
    title = F.col("kind") == TITLE
    return [
        F.count(F.when(title, 1)).alias("titles"),
        F.count(F.when(title & (F.col("count") > wikis), 1)).alias("repeated"),
        F.max(F.when(title, F.struct("count", "text"))).alias("most"),
    ]


def check_repeated(totals: Row, wikis: Sequence[str], paths: Sequence[str]) -> None:
    """Raise InputError if pages of a dump were given more than once, which would double their counts."""
    if totals.repeated > _MAX_REPEATED * totals.titles:
        raise InputError(
            f"{totals.repeated:,} of {totals.titles:,} titles of {', '.join(paths)} occur more than once per wiki, for "
            f"example {totals.most.text!r} {totals.most['count']} times in {', '.join(wikis)}. Pass each page once: "
            "the complete dump or its parts, plain or multistream."
        )
