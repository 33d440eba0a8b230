"""The options that choose the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_ways(recipe: argparse._ArgumentGroup) -> None:
    """Add `--t` and what may stand in its place; given here, any of them replaces those of a `--conf` file."""
    recipe.add_argument("--t", type=float, help="threshold in matches per entry (default: 20000)")
    recipe.add_argument(
        "--target-size", type=int, metavar="N", help="instead of --t: keep N rows; t is the least that keeps as many"
    )
    recipe.add_argument(
        "--keep-share", type=float, metavar="SHARE", help="instead of --t: keep this share of the rows read"
    )
    recipe.add_argument(
        "--tail-share",
        type=float,
        metavar="SHARE",
        help="instead of --t: the share of matches on tail entries (the paper: 0.06); beside --t it sets the t of the "
        "languages other than the reference",
    )
