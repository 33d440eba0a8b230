"""The options of every command that reads a pool, and the pool that they describe."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.fields import COLUMN_FIELDS, POOL_FIELDS, chosen_values
from metaclip_spark.config.pool import POOL_FORMATS, Pool, PoolColumns
from metaclip_spark.errors import ConfigError
from metaclip_spark.pools.presets import PRESETS, preset_pool

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ArgumentGroup

    from metaclip_spark.cli.arguments.run_file import RunFile


def add_pool_arguments(parser: ArgumentParser) -> None:
    """Add the options of a pool."""
    pool = parser.add_argument_group("pool")
    pool.add_argument(
        "--pool", nargs="+", required=True, metavar="PATH", help="files, folders or tables, read as one table"
    )
    pool.add_argument("--pool-name", metavar="NAME", help="name recorded with the pool's rows and counts")
    pool.add_argument("--format", choices=POOL_FORMATS, help="format of the pool (default: the preset's, or parquet)")
    pool.add_argument(
        "--preset",
        choices=PRESETS,
        help="format and columns of a known data set: "
        + "; ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items()),
    )
    pool.add_argument(
        "--pool-version",
        nargs="+",
        type=int,
        metavar="N",
        help="version of the Delta table, or one per path (default: the newest)",
    )
    pool.add_argument("--text-column", metavar="NAME", help="column of the caption (default: text)")
    pool.add_argument("--url-column", metavar="NAME", help="column of the image's URL (default: image_url, if present)")
    pool.add_argument(
        "--id-column",
        metavar="NAME",
        help="column of an id unique to the row (default: uid, if present; else derived from URL and text)",
    )
    pool.add_argument(
        "--language-column", metavar="NAME", help="column of the caption's language (default: language, if present)"
    )
    pool.add_argument(
        "--header",
        action=BooleanOptionalAction,
        help="CSV and TSV: whether each file starts with the column names (default: yes)",
    )
    pool.add_argument(
        "--multiline",
        action="store_true",
        default=None,
        help="CSV: quoted fields may contain line breaks. One task then reads each file, and an unclosed quote takes "
        "the lines up to the next quote into its field",
    )
    pool.add_argument(
        "--schema",
        metavar="DDL",
        help="names and types of the columns of a text format, for example 'url string, text string' (default: the "
        "header; JSON: inferred, which reads the pool once more)",
    )
    pool.add_argument(
        "--skip-unreadable-files",
        action="store_true",
        default=None,
        help="Parquet: leave out files that cannot be opened, and record their number and names with the run",
    )
    _add_changes(pool)


def _add_changes(pool: _ArgumentGroup) -> None:
    pool.add_argument("--rename", action="append", metavar="OLD=NEW", help="rename a carried column; repeatable")
    pool.add_argument("--drop", action="append", metavar="COLUMN", help="leave a column out; repeatable")
    pool.add_argument(
        "--cast",
        action="append",
        metavar="COLUMN=TYPE",
        help="cast a column to a type of Spark, such as string or bigint; repeatable",
    )


def pool_of(options: Namespace, run_file: RunFile) -> Pool:
    """Return the pool to read.

    Raises:
        ConfigError: As for `Pool` and `PoolColumns`.
    """
    chosen = chosen_values(options, run_file)
    columns = {field: chosen[name] for name, field in COLUMN_FIELDS.items() if name in chosen}
    fields = {field: chosen[name] for name, field in POOL_FIELDS.items() if name in chosen}
    for name, form in (("rename", "OLD=NEW"), ("cast", "COLUMN=TYPE")):
        if name in fields:
            fields[name] = _pairs(name, form, fields[name])
    if "preset" in chosen:
        return preset_pool(chosen["preset"], tuple(options.pool), columns=columns, **fields)
    return Pool(paths=tuple(options.pool), columns=PoolColumns(**columns), **fields)


def _pairs(name: str, form: str, given: object) -> object:
    """Return values by columns, from a table of the file or from pairs, split at the last "=".

    Raises:
        ConfigError: A value does not have this form, or a column has two values.

    >>> _pairs("rename", "OLD=NEW", ["x=y=x_y"])
    {'x=y': 'x_y'}
    """
    if not isinstance(given, list):
        return given
    malformed = [pair for pair in given if "=" not in pair]
    if malformed:
        raise ConfigError(f"--{name} {malformed[0]!r} does not have the form {form}")
    pairs = dict(pair.rsplit("=", 1) for pair in given)
    if len(pairs) < len(given):
        raise ConfigError(f"--{name} gives a column two values: {', '.join(given)}")
    return pairs
