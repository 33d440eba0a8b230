"""Layout of human-readable text: aligned columns, shares, counts and sizes, without colour or control characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE_DECIMAL = 0.1  # percent; a smaller share needs more decimals
_MIN_SHOWN = 0.001


def aligned(rows: Sequence[Sequence[str]], *, indent: int = 2, right: Sequence[int] = (1,)) -> list[str]:
    """Return rows as lines with aligned columns.

    Args:
        rows: Cells of each row; the rows may have different lengths. Control characters are escaped.
        indent: Number of spaces before each line.
        right: Positions of right-aligned columns (numbers).

    >>> aligned([("read", "1,000", "100 %"), ("kept", "25", "2.5 %")])
    ['  read  1,000  100 %', '  kept     25  2.5 %']
    """
    widths: dict[int, int] = {}
    rows = [[printable(cell) for cell in row] for row in rows]
    for row in rows:
        for position, cell in enumerate(row):
            widths[position] = max(widths.get(position, 0), len(cell))
    return [
        (
            " " * indent
            + "  ".join(
                cell.rjust(widths[position]) if position in right else cell.ljust(widths[position])
                for position, cell in enumerate(row)
            )
        ).rstrip()
        for row in rows
    ]


def percent(part: float, total: float) -> str:
    """Return a human-readable share; "-" if the total is 0.

    >>> percent(1, 3), percent(1, 100_000), percent(1, 10**9), percent(0, 0)
    ('33.3 %', '0.001 %', '<0.001 %', '-')
    """
    if not total:
        return "-"
    share = 100 * part / total
    if share == 0 or share >= _ONE_DECIMAL:
        return f"{share:.1f} %"
    return f"{share:.2g} %" if share >= _MIN_SHOWN else f"<{_MIN_SHOWN} %"


def count(number: float) -> str:
    """Return a number rounded to an integer, with separators.

    >>> count(86654)
    '86,654'
    """
    return f"{number:,.0f}"


def size(number: int) -> str:
    """Return a human-readable number of bytes, in powers of ten.

    >>> size(999), size(1_500), size(164_000_000)
    ('999 B', '1.5 kB', '164.0 MB')
    """
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} B"
