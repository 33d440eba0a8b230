"""`metaclip-spark inspect`: show the contents of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_inspect(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "inspect",
        description="Show the sizes, versions, runs and entries of all tables below a root, or of one table. Reads "
        "only logs and small tables.",
    )
    parser.add_argument("--tables", required=True, metavar="ROOT", help="root of the tables, or one of the tables")
    parser.add_argument("--top", type=int, default=20, metavar="N", help="number of entries (default: %(default)s)")
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_inspect)


def run_inspect(options: Namespace) -> None:
    """Inspect and print."""
    from metaclip_spark.audit.inspect_tables import inspect  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.audit.inspect_text import render_inspect  # noqa: PLC0415

    with session_of(options) as spark:
        report = inspect(spark, options.tables, top=options.top)
    print_report(options, report, render_inspect)
