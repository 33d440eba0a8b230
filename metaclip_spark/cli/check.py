"""`metaclip-spark check`: does a curated table agree with its run?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark.cli.options import run_file_of, session_options
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_check(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register `check`."""
    parser = commands_of.add_parser(
        "check",
        help="check a curated table against the run that wrote it",
        description="Read a curated table and hold its rows against the figures of the run that wrote it. Exit code 7 "
        "and a message with all differences if they do not agree. Nothing is written.",
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="ROOT",
        help="folder, or schema (catalog.schema), of the tables, as given to curate",
    )
    parser.add_argument("--pool-name", metavar="NAME", help="a pool that must have rows in the table")
    parser.add_argument("--least-rows", type=int, default=1, metavar="N", help="rows that must be there (default: 1)")
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_check)


def run_check(options: Namespace) -> None:
    """Check and print."""
    from metaclip_spark.audit.check import check  # noqa: PLC0415
    from metaclip_spark.audit.check_text import render_check  # noqa: PLC0415 - --help should not wait for Spark
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    session = session_options(options, run_file_of(options))
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        found = check(spark, options.output, pool_name=options.pool_name, least_rows=options.least_rows)
    print(json.dumps(found.as_dict(), indent=2) if options.json else render_check(found))
