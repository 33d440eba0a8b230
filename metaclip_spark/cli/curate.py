"""`metaclip-spark curate`: curate a pool of captions into Delta tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.effective import effective_configuration
from metaclip_spark.cli.arguments.fields import add_conf_argument, run_file_of
from metaclip_spark.cli.arguments.metadata import session_and_metadata
from metaclip_spark.cli.arguments.pool import add_pool_arguments, pool_of
from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report, progress_of
from metaclip_spark.cli.arguments.recipe import add_recipe_arguments, config_of
from metaclip_spark.cli.arguments.session import add_session_arguments, session_options
from metaclip_spark.cli.arguments.tables import add_tables_argument
from metaclip_spark.config.curation import COMPRESSIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_curate(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "curate",
        usage="%(prog)s --pool PATH ... --metadata [LANG=]PATH ... --tables ROOT [OPTION ...]",
        description="Match every caption of the pool to the metadata, count the matches of each entry, balance them, "
        "and write the kept rows, each with the values that explain it.",
    )
    add_pool_arguments(parser)
    add_recipe_arguments(parser)

    output = parser.add_argument_group("output")
    add_tables_argument(output, written=True)
    output.add_argument("--overwrite", action="store_true", default=None, help="replace the rows of another run")
    output.add_argument(
        "--reserve", type=float, metavar="T", help="also store the rows above t, up to T, in the table reserve"
    )
    output.add_argument("--compression", choices=COMPRESSIONS, help="codec of the curated table (default: zstd)")
    output.add_argument(
        "--file-mib", type=int, metavar="MIB", help="target size of a file of the curated table (default: 256)"
    )
    output.add_argument(
        "--cluster",
        action="store_true",
        default=None,
        help="store rows of similar admission threshold in the same files, by a second write",
    )
    add_conf_argument(output)

    instead = parser.add_argument_group("instead of a run").add_mutually_exclusive_group()
    instead.add_argument(
        "--print-config", action="store_true", help="print the effective configuration as a --conf file"
    )
    instead.add_argument(
        "--dry-run", action="store_true", help="check inputs, columns, output and space, print the plan, write nothing"
    )
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_curate)


def run_curate(options: Namespace) -> None:
    """Curate a pool and print the summary, or the plan or the effective configuration instead."""
    run_file = run_file_of(options)
    pool, config, progress = pool_of(options, run_file), config_of(options, run_file), progress_of(options)
    effective = effective_configuration(session_options(options, run_file), pool, config)
    if options.print_config:
        print(effective)
        return
    from metaclip_spark.audit.dry_run import dry_run  # noqa: PLC0415 - `--help` must not load numba and Spark
    from metaclip_spark.audit.dry_run_text import render_dry_run  # noqa: PLC0415
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415
    from metaclip_spark.curation.summary import render_summary  # noqa: PLC0415

    if progress is not None and not options.dry_run:
        progress(f"Curating {', '.join(pool.paths)} into {options.tables} with this configuration:\n{effective}")
    with session_and_metadata(options, run_file) as (spark, metadata):
        if options.dry_run:
            print_report(options, dry_run(spark, pool, metadata, options.tables, config), render_dry_run)
            return
        report = curate(spark, pool, metadata, options.tables, config, progress=progress)
    print_report(options, report, render_summary)
