"""`balance` and `append`: their options, and what they do.

Imports are inside the functions: `--help` and a mistyped option should not wait for numba or Spark.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_spark.cli.commands import print_report
from metaclip_spark.cli.options import metadata_sources, pool_of, run_file_of, session_options
from metaclip_spark.cli.pool_arguments import add_pool_arguments
from metaclip_spark.cli.read_sources import metadata_in_session
from metaclip_spark.cli.rehearsals import progress_of

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace


def add_balance(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The options of `metaclip-spark balance`."""
    parser = commands_of.add_parser(
        "balance",
        help="bring a curated table to another t",
        description="Bring a curated table to another t, over the same counts and draws: to a smaller t, or up to the "
        "reserve's, by moving its own rows; beyond what is stored, or with the counts of another curation, by matching "
        "the pool again.",
    )
    parser.add_argument(
        "--output", required=True, metavar="ROOT", help="folder, or schema (catalog.schema), of the tables"
    )
    parser.add_argument("--t", type=float, required=True, help="threshold in matches per entry")
    parser.add_argument(
        "--metadata",
        nargs="+",
        default=[],
        metavar="[LANG=]PATH",
        help="the lists that the table was curated with; needed only to match the pool again",
    )
    parser.add_argument(
        "--counts",
        metavar="ROOT[@VERSION]",
        help="balance by the (frozen) counts of another curation; default: those that balance the table already",
    )
    parser.add_argument("--conf", type=Path, metavar="FILE", help="TOML file of settings (conf/)")
    parser.set_defaults(run=run_balance)
    return parser


def add_append(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The options of `metaclip-spark append`."""
    parser = commands_of.add_parser(
        "append",
        help="let another pool join a curated table",
        description="Let another pool join a curated table: the result is that of one run over all pools, but only the "
        "new one is read. Seed, t and all else stay as they were.",
    )
    parser.add_argument(
        "--output", required=True, metavar="ROOT", help="folder, or schema (catalog.schema), of the tables"
    )
    parser.add_argument(
        "--metadata", nargs="+", required=True, metavar="[LANG=]PATH", help="the lists that the table was curated with"
    )
    add_pool_arguments(parser)
    parser.add_argument(
        "--frozen", action="store_true", help="balance the new rows by the counts that are there; old rows stay"
    )
    parser.add_argument("--conf", type=Path, metavar="FILE", help="TOML file of settings and defaults (conf/)")
    parser.set_defaults(run=run_append)
    return parser


def run_balance(options: Namespace) -> None:
    """Re-balance and print the summary."""
    from metaclip_spark.curation.rebalance.rebalance import rebalance  # noqa: PLC0415

    session = session_options(options, run_file_of(options))
    with metadata_in_session(session, metadata_sources(options.metadata)) as (spark, metadata):
        progress = progress_of(options)
        report = rebalance(spark, options.output, options.t, metadata or None, counts=options.counts, progress=progress)
    print_report(report, as_json=options.json)


def run_append(options: Namespace) -> None:
    """Append a pool and print the summary."""
    from metaclip_spark.curation.append.append import append  # noqa: PLC0415

    run_file = run_file_of(options)
    session, pool = session_options(options, run_file), pool_of(options, run_file)
    with metadata_in_session(session, metadata_sources(options.metadata)) as (spark, metadata):
        progress = progress_of(options)
        report = append(spark, pool, metadata, options.output, frozen=options.frozen, progress=progress)
    print_report(report, as_json=options.json)
