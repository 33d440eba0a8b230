"""`metaclip-spark estimate`: estimate the result of a run from a sample of the pool."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.arguments.fields import add_conf_argument, run_file_of
from metaclip_spark.cli.arguments.metadata import session_and_metadata
from metaclip_spark.cli.arguments.pool import add_pool_arguments, pool_of
from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report, progress_of
from metaclip_spark.cli.arguments.recipe import add_recipe_arguments, config_of
from metaclip_spark.cli.arguments.session import add_session_arguments
from metaclip_spark.errors import InputError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from metaclip_spark.audit.estimate.estimate_report import EstimateReport

_SHARE: Final = re.compile(r"(\d+\.?\d*|\.\d+)(e-?\d+)?%?", re.IGNORECASE)


def add_estimate(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "estimate",
        usage="%(prog)s --pool PATH ... --metadata [LANG=]PATH ... --sample SHARE [OPTION ...]",
        description="Estimate the counts, sizes, time and space of `curate` with the same options from a sample of "
        "the pool. Writes nothing.",
    )
    sample = parser.add_argument_group("sample")
    sample.add_argument(
        "--sample", type=share, required=True, metavar="SHARE", help="share of the rows to match, as 0.1%% or 0.001"
    )
    sample.add_argument(
        "--min-matched",
        type=share,
        metavar="SHARE",
        help="fail with exit code 3 if a smaller share of the rows matches any entry",
    )
    add_pool_arguments(parser)
    add_recipe_arguments(parser)
    add_conf_argument(parser)
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_estimate)


def run_estimate(options: Namespace) -> None:
    """Estimate and print.

    Raises:
        InputError: Too few rows match.
    """
    from metaclip_spark.audit.estimate.estimate import estimate  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.audit.estimate.estimate_text import render_estimate  # noqa: PLC0415

    run_file = run_file_of(options)
    pool, config = pool_of(options, run_file), config_of(options, run_file)
    with session_and_metadata(options, run_file) as (spark, metadata):
        report = estimate(spark, pool, metadata, options.sample, config, progress=progress_of(options))
    print_report(options, report, render_estimate)
    if options.min_matched is not None:
        _check_matched(report, options.min_matched)


def share(text: str) -> float:
    """Return a share of the rows from the command line.

    >>> share("0.1%"), share("0.001"), share("1e-3")
    (0.001, 0.001, 0.001)
    """
    number, percent = text.rstrip("%"), text.endswith("%")
    value = float(number) / (100 if percent else 1) if _SHARE.fullmatch(text) else 0.0
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a share of the rows. Pass 0.1% or 0.001, above 0 and below 1")
    return value


def _check_matched(report: EstimateReport, min_matched: float) -> None:
    """Raise if even the upper end of the estimate is below the required share: wrong column, or wrong language.

    Raises:
        InputError: Too few rows match.
    """
    at_most = report.matched.high / report.read
    if at_most < min_matched:
        raise InputError(
            f"At most {at_most:.1%} of the {report.read} rows match any entry, estimated from {report.sampled} rows; "
            f"--min-matched requires {min_matched:.1%}. Check --text-column and the language of --metadata."
        )
