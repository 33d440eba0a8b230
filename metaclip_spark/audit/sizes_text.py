"""Text and CSV of a sizes report."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.audit.sizes_report import LanguageSizes, SizePoint, SizesReport

_MOST_LINES: Final = 24
_LEAST_SHARE: Final = 0.002  # of all rows: below it a line of the table says nothing
_LEAST_BAR, _MOST_BAR = 10, 60


def sizes_as_csv(sizes: SizesReport) -> str:
    """A line for each language and point: language, t, rows, head, tail_share."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["language", "t", "rows", "head", "tail_share"])
    for language, own in sizes.languages.items():
        writer.writerows([language, *asdict(point).values()] for point in own.points)
    return text.getvalue().rstrip("\n")


def render_sizes(sizes: SizesReport, *, width: int) -> str:
    """A table of sizes at powers of two and at the run's own t, with bars, for each language.

    Args:
        sizes: the curves.
        width: of the terminal, in characters.
    """
    blocks = []
    for language, own in sizes.languages.items():
        of = f" ({language})" if len(sizes.languages) > 1 else ""
        head = f"Size against t{of}, of {count(own.matched)} rows that matched; seed {sizes.seed}"
        blocks.append("\n".join([head, "", *_table(own, sizes.read, width)]))
    blocks.append("The run's own t is marked with *. Between the lines: --json or --csv. To the row: --target-size N")
    return "\n\n".join(blocks)


def _table(own: LanguageSizes, read: int, width: int) -> list[str]:
    shown = sorted({point.t: point for point in [*_at_powers(own), own.t]}.values(), key=lambda point: point.t)
    rows = [("", "t", "rows", "of read", "head", "tail share")]
    rows += [
        (
            "*" if point.t == own.t.t else "",
            f"{point.t:,.10g}",
            count(point.rows),
            percent(point.rows, read),
            count(point.head),
            percent(point.tail_share, 1),
        )
        for point in shown
    ]
    lines = aligned(rows, right=range(1, 6))
    used = max(map(len, lines)) + 2
    most = max((point.rows for point in shown), default=0)
    bar = min(_MOST_BAR, width - used)
    if bar < _LEAST_BAR or not most:
        return lines
    bars = ["", *("#" * round(bar * point.rows / most) for point in shown)]
    return [f"{line:<{used}}{drawn}".rstrip() for line, drawn in zip(lines, bars, strict=True)]


def _at_powers(own: LanguageSizes) -> list[SizePoint]:
    """Points at powers of two, from where a row or so in five hundred is kept to where all are."""
    powers = [point for point in own.points if math.frexp(point.t)[0] == 0.5]  # noqa: PLR2004 - mantissa of a power of two
    worth = [point for point in powers if _LEAST_SHARE * own.matched <= point.rows < own.matched]
    full = [point for point in powers if point.rows == own.matched][:1]
    shown = [*worth, *full]
    return shown[:: -(-len(shown) // _MOST_LINES)] if shown else []
