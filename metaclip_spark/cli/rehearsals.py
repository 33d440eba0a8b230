"""What `curate` can do instead of curating: print its configuration, plan, or try a share of the rows."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING

from metaclip_spark.audit.dry_run_text import render_dry_run
from metaclip_spark.audit.estimate.estimate_text import render_estimate
from metaclip_spark.cli.options import effective_configuration
from metaclip_spark.cli.read_sources import metadata_in_session
from metaclip_spark.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metaclip_spark.audit.estimate.estimate_report import EstimateReport
    from metaclip_spark.cli.options import SessionOptions
    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.pool import Pool

_SHARE = re.compile(r"(\d+\.?\d*|\.\d+)(e-?\d+)?%?", re.IGNORECASE)


def add_rehearsals(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of `curate`."""
    before = parser.add_argument_group("before a long run")
    instead = before.add_mutually_exclusive_group()
    instead.add_argument(
        "--print-config", action="store_true", help="print what files and options come to, as a --conf file; do no more"
    )
    instead.add_argument(
        "--dry-run", action="store_true", help="check inputs, columns, output and space, print the plan; write nothing"
    )
    instead.add_argument(
        "--sample",
        type=share,
        metavar="SHARE",
        help="try this share of the rows (0.1%% or 0.001) and estimate counts, sizes, time and space; write nothing",
    )
    before.add_argument(
        "--least-matched",
        type=share,
        metavar="SHARE",
        help="with --sample: fail (exit code 3) where surely fewer of the rows match any entry",
    )
    add_progress(before)


def add_progress(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add `--progress`."""
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="a line on standard error at the end of each step (default: where that is a terminal)",
    )


def share(text: str) -> float:
    """A share of the rows from the command line.

    >>> share("0.1%"), share("0.001"), share("1e-3")
    (0.001, 0.001, 0.001)
    """
    number, percent = text.rstrip("%"), text.endswith("%")
    value = float(number) / (100 if percent else 1) if _SHARE.fullmatch(text) else 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the rows: write 0.1% or 0.001, above 0 and below 1")
    return value


def progress_of(options: argparse.Namespace) -> Callable[[str], None] | None:
    """Where the lines of `--progress` go."""
    wanted = sys.stderr.isatty() if options.progress is None else options.progress
    return _on_standard_error if wanted else None


def _on_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def rehearse(
    options: argparse.Namespace,
    session: SessionOptions,
    pool: Pool,
    config: CurateConfig,
    sources: Sequence[tuple[str | None, str]],
) -> bool:
    """Do what one of the options asks for.

    Returns:
        Whether one was given; otherwise it is to be curated.
    """
    if options.print_config:
        print(effective_configuration(session, pool, config))
        return True
    if not options.dry_run and options.sample is None:
        return False
    from metaclip_spark.audit.dry_run import dry_run  # noqa: PLC0415 - `--help` should not wait for Spark
    from metaclip_spark.audit.estimate.estimate import estimate  # noqa: PLC0415

    with metadata_in_session(session, sources) as (spark, metadata):
        if options.dry_run:
            plan = dry_run(spark, pool, metadata, options.output, config)
            print(json.dumps(plan.as_dict(), indent=2) if options.json else render_dry_run(plan))
        else:
            estimated = estimate(spark, pool, metadata, options.sample, config, progress=progress_of(options))
            print(json.dumps(estimated.as_dict(), indent=2) if options.json else render_estimate(estimated))
            _refuse_unlike(estimated, options.least_matched)
    return True


def _refuse_unlike(estimated: EstimateReport, least_matched: float | None) -> None:
    """A pool that hardly matches is of another column, or another language, than the metadata.

    Raises:
        InputError: even the upper end of the estimate is below the share that was asked for.
    """
    most = estimated.matched.high / estimated.read
    if least_matched is not None and most < least_matched:
        raise InputError(
            f"at most {most:.1%} of the {estimated.read} rows match any entry, by {estimated.sampled} sampled ones; at "
            f"least {least_matched:.1%} are due: is the text column right, and the metadata of its language?"
        )
