"""`metaclip-spark check`: check a curated table against the run that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.cli.arguments.tables import add_tables_argument

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_check(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "check",
        description="Compare the rows of a curated table with the figures of the run that wrote it. If they differ, "
        "print all differences and exit with code 7. Writes nothing.",
    )
    add_tables_argument(parser)
    parser.add_argument("--pool-name", metavar="NAME", help="name of a pool that must have rows in the table")
    parser.add_argument("--min-rows", type=int, default=1, metavar="N", help="minimum number of rows (default: 1)")
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_check)


def run_check(options: Namespace) -> None:
    """Check and print."""
    from metaclip_spark.audit.check import check  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.audit.check_text import render_check  # noqa: PLC0415

    with session_of(options) as spark:
        report = check(spark, options.tables, pool_name=options.pool_name, least_rows=options.min_rows)
    print_report(options, report, render_check)
