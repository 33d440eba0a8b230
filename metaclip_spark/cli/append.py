"""`metaclip-spark append`: add another pool to a curated table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.fields import add_conf_argument, run_file_of
from metaclip_spark.cli.arguments.metadata import add_metadata_argument, session_and_metadata
from metaclip_spark.cli.arguments.pool import add_pool_arguments, pool_of
from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report, progress_of
from metaclip_spark.cli.arguments.session import add_session_arguments
from metaclip_spark.cli.arguments.tables import add_tables_argument

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_append(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "append",
        usage="%(prog)s --tables ROOT --pool PATH ... --metadata [LANG=]PATH ... [OPTION ...]",
        description="Add another pool to a curated table. The result equals one run over all pools, but only the new "
        "one is read. Seed, t and all other settings stay the same.",
    )
    add_tables_argument(parser)
    add_metadata_argument(parser, described="metadata of the table")
    parser.add_argument(
        "--frozen", action="store_true", help="balance the new rows by the stored counts, keep the old rows unchanged"
    )
    add_conf_argument(parser)
    add_pool_arguments(parser)
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_append)


def run_append(options: Namespace) -> None:
    """Append a pool and print the summary."""
    from metaclip_spark.curation.append.append import append  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.curation.summary import render_summary  # noqa: PLC0415

    run_file = run_file_of(options)
    pool, progress = pool_of(options, run_file), progress_of(options)
    with session_and_metadata(options, run_file) as (spark, metadata):
        report = append(spark, pool, metadata, options.tables, frozen=options.frozen, progress=progress)
    print_report(options, report, render_summary)
