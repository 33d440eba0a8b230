"""`metaclip-spark sizes`: show how many rows each threshold would keep."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import add_printing_arguments
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.cli.arguments.tables import add_tables_argument

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_sizes(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sizes",
        description="Show for each t the exact number of rows that the stored counts and draws keep, the number of "
        "head entries and the tail share. Reads the tables only.",
    )
    add_tables_argument(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print all points of the size curve as CSV")
    form.add_argument("--json", action="store_true", help="print all points of the size curve as JSON")
    add_session_arguments(parser)
    add_printing_arguments(parser, as_json=False)
    parser.set_defaults(run=run_sizes)


def run_sizes(options: Namespace) -> None:
    """Print the size curves of a curated pool."""
    from metaclip_spark.audit.sizes import sizes  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.audit.sizes_text import render_sizes, sizes_as_csv  # noqa: PLC0415

    with session_of(options) as spark:
        curves = sizes(spark, options.tables)
    if options.json:
        print(json.dumps(curves.as_dict(), indent=2))
    elif options.csv:
        print(sizes_as_csv(curves))
    else:
        print(render_sizes(curves, width=shutil.get_terminal_size().columns))
