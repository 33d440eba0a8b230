"""Plain aligned text for terminals and pipes: no colour, no dependency, the same in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE_DECIMAL = 0.1  # percent; below it one decimal would show nothing
_LEAST_SHOWN = 0.001


def aligned(rows: Sequence[Sequence[str]], *, indent: int = 2, right: Sequence[int] = (1,)) -> list[str]:
    """Rows as lines with aligned columns.

    Args:
        rows: cells; rows may be of different lengths.
        indent: spaces before each line.
        right: positions of the columns that are set flush right (numbers).

    >>> aligned([("read", "1,000", "100 %"), ("kept", "25", "2.5 %")])
    ['  read  1,000  100 %', '  kept     25  2.5 %']
    """
    widths: dict[int, int] = {}
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


def percent(part: float, whole: float) -> str:
    """A share for people; "-" of nothing.

    >>> percent(1, 3), percent(1, 100_000), percent(1, 10**9), percent(0, 0)
    ('33.3 %', '0.001 %', '<0.001 %', '-')
    """
    if not whole:
        return "-"
    share = 100 * part / whole
    if share == 0 or share >= _ONE_DECIMAL:
        return f"{share:.1f} %"
    return f"{share:.2g} %" if share >= _LEAST_SHOWN else f"<{_LEAST_SHOWN} %"


def count(number: float) -> str:
    """A whole number with separators.

    >>> count(86654)
    '86,654'
    """
    return f"{number:,.0f}"


def size(number: int) -> str:
    """Bytes for people, in powers of ten.

    >>> size(999), size(1_500), size(164_000_000)
    ('999 B', '1.5 kB', '164.0 MB')
    """
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} B"
