"""Text and CSV of the size curves."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.text_layout import aligned, count, percent

if TYPE_CHECKING:
    from metaclip_spark.audit.sizes_report import LanguageSizes, SizePoint, SizesReport

_MAX_LINES: Final = 24
_MIN_SHARE: Final = 0.002  # share of all rows; a smaller bar would be invisible
_MIN_BAR, _MAX_BAR = 10, 60  # characters


def sizes_as_csv(report: SizesReport) -> str:
    """Return a line for each language and point: language, t, rows, head, tail_share."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["language", "t", "rows", "head", "tail_share"])
    for language, own in report.languages.items():
        writer.writerows([language, *asdict(point).values()] for point in own.points)
    return text.getvalue().rstrip("\n")


def render_sizes(report: SizesReport, *, width: int) -> str:
    """Return for each language a table of sizes, with bars, at powers of two and at the t of the run.

    Args:
        report: Size curves.
        width: Width of the terminal, in characters.
    """
    blocks = []
    for language, own in report.languages.items():
        of = f" ({language})" if len(report.languages) > 1 else ""
        heading = f"Rows kept at each t{of}: {count(own.matched)} rows matched, seed {report.seed}"
        blocks.append("\n".join([heading, "", *_table(own, report.read, width)]))
    blocks.append(
        "* marks the t of the run. For all points of the curve, pass --json or --csv.\n"
        "To choose t by size, pass --target-size N to curate."
    )
    return "\n\n".join(blocks)


def _table(own: LanguageSizes, read: int, width: int) -> list[str]:
    shown = sorted({point.t: point for point in [*_at_powers(own), own.current]}.values(), key=lambda point: point.t)
    rows = [("", "t", "rows", "of read", "head", "tail share")]
    rows += [
        (
            "*" if point.t == own.current.t else "",
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
    largest = max((point.rows for point in shown), default=0)
    bar = min(_MAX_BAR, width - used)
    if bar < _MIN_BAR or not largest:
        return lines
    bars = ["", *("#" * round(bar * point.rows / largest) for point in shown)]
    return [f"{line:<{used}}{drawn}".rstrip() for line, drawn in zip(lines, bars, strict=True)]


def _at_powers(own: LanguageSizes) -> list[SizePoint]:
    """Return the points at powers of two, from the t that keeps about one row in 500 to the one that keeps all."""
    powers = [point for point in own.points if math.frexp(point.t)[0] == 0.5]  # noqa: PLR2004 - mantissa of a power of two
    worth = [point for point in powers if _MIN_SHARE * own.matched <= point.rows < own.matched]
    full = [point for point in powers if point.rows == own.matched][:1]
    shown = [*worth, *full]
    return shown[:: -(-len(shown) // _MAX_LINES)] if shown else []
