"""`metaclip-spark sizes`: size against t, from the tables of a curated pool."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from metaclip_spark.audit.sizes_text import render_sizes, sizes_as_csv
from metaclip_spark.cli.options import run_file_of, session_options

if TYPE_CHECKING:
    import argparse


def add_sizes(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the subcommand; the caller adds the session's options."""
    parser = commands_of.add_parser(
        "sizes",
        help="show how many rows each t would keep",
        description="Size against t for a curated pool: the rows that its counts and draws keep at each threshold, "
        "exactly, with the head's entries and the tail's share of the matches there. Reads the tables only.",
    )
    parser.add_argument("root", metavar="ROOT", help="folder of the tables, as given to curate --output")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print all points of the curve as CSV")
    form.add_argument("--json", action="store_true", help="print all points of the curve as JSON")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.set_defaults(run=run_sizes)
    return parser


def run_sizes(options: argparse.Namespace) -> None:
    """Print the size curves of a curated pool."""
    from metaclip_spark.audit.sizes import sizes  # noqa: PLC0415
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415 - `--help` should not wait for Spark

    session = session_options(options, run_file_of(options))
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        curves = sizes(spark, options.root)
    if options.json:
        print(json.dumps(curves.as_dict(), indent=2))
    elif options.csv:
        print(sizes_as_csv(curves))
    else:
        print(render_sizes(curves, width=shutil.get_terminal_size().columns))
