"""What a dump has to be, told by the figures of its pages: whole, with articles, each page given once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812 - Spark's own name for its functions

from metaclip_spark.errors import InputError
from metaclip_spark.metadata.dumps.count_ngrams import BEGINS, ENDS, TITLE
from metaclip_spark.spark.locations import same_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, Row

_ARTICLES: Final = "pages article"
_MOST_REPEATED: Final = 0.001
"""Share of titles that may be there twice: pages are renamed and made anew while a dump is written, but few."""


def checked_files(figures: dict[str, int], files: list[str]) -> dict[str, int]:
    """Figures without those of single files, each of which has to begin and end as a dump does.

    Raises:
        InputError: one does not.
    """
    begun = {same_name(name.removeprefix(BEGINS)) for name in figures if name.startswith(BEGINS)}
    ended = {same_name(name.removeprefix(ENDS)) for name in figures if name.startswith(ENDS)}
    for file in files:
        if same_name(file) not in begun:
            raise InputError(f"{file} does not begin as a dump does, with <mediawiki …>: leave it out")
        if same_name(file) not in ended:
            raise InputError(f"the dump {file} is cut: it does not end with </mediawiki>; download it again")
    return {name: count for name, count in sorted(figures.items()) if not name.startswith((BEGINS, ENDS))}


def refuse_no_article(figures: dict[str, int], places: Sequence[str]) -> None:
    """Refuse a dump without an article.

    Raises:
        InputError: it has none.
    """
    if not figures.get(_ARTICLES):
        raise InputError(f"the dump {', '.join(places)} has no article: pages by kind are {figures}")


def title_totals(wikis: int) -> list[Column]:
    """What `refuse_repeated` looks at: titles, those of more articles than there are wikis, the most repeated one."""
    title = F.col("kind") == TITLE
    return [
        F.count(F.when(title, 1)).alias("titles"),
        F.count(F.when(title & (F.col("count") > wikis), 1)).alias("repeated"),
        F.max(F.when(title, F.struct("count", "text"))).alias("most"),
    ]


def refuse_repeated(found: Row, wikis: Sequence[str], places: Sequence[str]) -> None:
    """Refuse a dump whose pages are given more than once, which would double all counts.

    Raises:
        InputError: they are.
    """
    if found.repeated > _MOST_REPEATED * found.titles:
        raise InputError(
            f"{found.repeated:,} of {found.titles:,} titles of {', '.join(places)} are there more often than once a "
            f"wiki, such as {found.most.text!r} {found.most['count']} times in {', '.join(wikis)}: name each page's "
            "file once, the whole dump or its parts, plain or multistream"
        )
