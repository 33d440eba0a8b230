"""`metaclip-spark rebalance`: bring a curated table to another threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.fields import add_conf_argument, run_file_of
from metaclip_spark.cli.arguments.metadata import add_metadata_argument, session_and_metadata
from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report, progress_of
from metaclip_spark.cli.arguments.session import add_session_arguments
from metaclip_spark.cli.arguments.tables import add_tables_argument

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_rebalance(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "rebalance",
        description="Bring a curated table to another t, over the same counts and draws. A smaller t, or one up to "
        "the reserve's, only moves stored rows; a larger one, or the counts of another curation, matches the pool "
        "again.",
    )
    add_tables_argument(parser)
    parser.add_argument("--t", type=float, required=True, help="threshold in matches per entry")
    add_metadata_argument(
        parser, required=False, described="metadata of the table; needed only to match the pool again"
    )
    parser.add_argument(
        "--counts",
        metavar="ROOT[@COUNTS_VERSION]",
        help="balance by the frozen counts of another curation (default: the counts that balance the table now)",
    )
    add_conf_argument(parser)
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_rebalance)


def run_rebalance(options: Namespace) -> None:
    """Rebalance and print the summary."""
    from metaclip_spark.curation.rebalance.rebalance import rebalance  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.curation.summary import render_summary  # noqa: PLC0415

    progress = progress_of(options)
    with session_and_metadata(options, run_file_of(options)) as (spark, metadata):
        report = rebalance(spark, options.tables, options.t, metadata or None, counts=options.counts, progress=progress)
    print_report(options, report, render_summary)
