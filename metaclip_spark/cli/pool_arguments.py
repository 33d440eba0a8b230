"""Options of every command that reads a pool; `options.pool_of` makes them one."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import TYPE_CHECKING

from metaclip_spark.config.pool import POOL_FORMATS
from metaclip_spark.pools.presets import PRESETS

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_pool_arguments(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add the options of a pool.

    Args:
        parser: of a subcommand.
        required: whether there has to be a pool.
    """
    pool = parser.add_argument_group("the pool")
    pool.add_argument(
        "--pool", nargs="+", required=required, metavar="PATH", help="files, folders or tables, read as one table"
    )
    pool.add_argument("--format", choices=POOL_FORMATS, help="of the pool (default: the preset's, or parquet)")
    pool.add_argument(
        "--preset",
        choices=PRESETS,
        help="a pool of a known kind: " + "; ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items()),
    )
    pool.add_argument(
        "--pool-version",
        nargs="+",
        type=int,
        metavar="N",
        help="versions of Delta tables, one for each path (default: the newest)",
    )
    pool.add_argument("--text-column", metavar="NAME", help="the caption (default: text)")
    pool.add_argument("--url-column", metavar="NAME", help="the image's URL")
    pool.add_argument("--id-column", metavar="NAME", help="an id unique by row (default: derived from URL and text)")
    pool.add_argument("--language-column", metavar="NAME", help="the caption's language (default: all are of one)")
    pool.add_argument("--pool-name", metavar="NAME", help="a name for the pool, recorded with its rows and counts")
    pool.add_argument(
        "--header",
        action=BooleanOptionalAction,
        help="CSV and TSV: whether files begin with the names of their columns (default: they do)",
    )
    pool.add_argument(
        "--multiline",
        action="store_true",
        default=None,
        help="CSV: quoted fields may hold line ends; then one task reads a whole file, and a quote that is never "
        "closed takes the lines behind it into its field, up to the next quote or the end of the file",
    )
    pool.add_argument(
        "--schema",
        metavar="DDL",
        help="names and types of a text pool's columns, 'url string, text string' (default: the header's; of JSON "
        "inferred, which reads the pool once more)",
    )
    pool.add_argument(
        "--rename", action="append", metavar="OLD=NEW", help="give a carried column another name; may be repeated"
    )
    pool.add_argument("--drop", action="append", metavar="COLUMN", help="leave a column out; may be repeated")
