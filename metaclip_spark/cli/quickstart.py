"""`metaclip-spark quickstart`: curate the embedded example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark import example
from metaclip_spark.cli.arguments.printing import (
    add_printing_arguments,
    announce_kernels,
    print_report,
    progress_of,
)
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.summary import render_summary
from metaclip_spark.errors import TableError
from metaclip_spark.host.places import here

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from pathlib import Path


def add_quickstart(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "quickstart",
        description="Write the embedded example (48,223 sentences of WordNet 3.0) as a Parquet pool and curate it "
        "against WordNet's 86,654 names, as `curate` does. This takes about a minute on one machine.",
    )
    parser.add_argument("--output", type=here, required=True, metavar="DIR", help="new folder for pool and tables")
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_quickstart)


def run_quickstart(options: Namespace) -> None:
    """Write the embedded pool, curate it, and print the summary."""
    from metaclip_spark.core.matching.tokens import match_rows  # noqa: PLC0415
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415 - `--help` must not load numba and Spark
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415

    folder, progress = options.output, progress_of(options)
    if progress is not None:
        progress(f"Curating the embedded example in {folder}")
    pool = Pool(paths=(str(_write_pool(folder)),), columns=PoolColumns(image_url="image_url"))
    with session_of(options) as spark:
        announce_kernels(options, match_rows)
        metadata = read_metadata(example.metadata_path())
        config = CurateConfig(t=example.T)
        report = curate(spark, pool, metadata, str(folder / "tables"), config, progress=progress)
    print_report(options, report, render_summary)


def _write_pool(folder: Path) -> Path:
    """Write the embedded pool unless it exists, so that a second quickstart is recognised as the same run."""
    pool = folder / "pool"
    try:
        if not pool.exists():
            example.write_pool(folder / "pool.partial").rename(pool)
    except OSError as error:
        raise TableError(f"The embedded pool cannot be written to {pool}: {error.strerror}") from None
    return pool
