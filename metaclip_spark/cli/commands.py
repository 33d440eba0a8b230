"""What each subcommand does, once its options are values of the library.

Imports are inside the functions: `--help` and a mistyped option should not wait for numba or Spark.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark import example
from metaclip_spark.cli.options import (
    SessionOptions,
    config_of,
    effective_configuration,
    metadata_sources,
    pool_of,
    run_file_of,
    session_options,
)
from metaclip_spark.cli.read_sources import metadata_in_session
from metaclip_spark.cli.rehearsals import progress_of, rehearse
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.summary import render_summary
from metaclip_spark.errors import TableError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from metaclip_spark.runs.report import CurateReport


def run_compile(options: Namespace) -> None:
    """Compile a list into an artifact and print which entries can never match."""
    from metaclip_spark.core.matching.artifact import artifact_digest, artifact_to_bytes  # noqa: PLC0415
    from metaclip_spark.core.matching.compile_metadata import compile_metadata  # noqa: PLC0415
    from metaclip_spark.metadata.compile_summary import render_compiled  # noqa: PLC0415
    from metaclip_spark.metadata.read_metadata import read_list  # noqa: PLC0415
    from metaclip_spark.spark.host_artifact import replace_file  # noqa: PLC0415

    compiled = compile_metadata(read_list(options.metadata), language=options.language, seed=options.seed)
    artifact = artifact_to_bytes(compiled)
    try:
        replace_file(options.output, artifact)
    except OSError as error:
        raise TableError(f"cannot write the artifact {options.output}: {error.strerror}") from None
    if options.json:
        figures = {
            "artifact": str(options.output),
            "bytes": len(artifact),
            "language": compiled.language,
            "metadata_digest": compiled.metadata_digest,
            "artifact_digest": artifact_digest(compiled),
            "entries": compiled.report.as_dict(),
        }
        print(json.dumps(figures, indent=2))
    else:
        print(render_compiled(compiled, artifact=str(options.output), artifact_bytes=len(artifact)))


def run_curate(options: Namespace) -> None:
    """Curate a pool and print the summary, or do what is asked for instead."""
    run_file = run_file_of(options)
    session, pool, config = session_options(options, run_file), pool_of(options, run_file), config_of(options, run_file)
    sources, progress = metadata_sources(options.metadata), progress_of(options)
    if rehearse(options, session, pool, config, sources):
        return
    if progress is not None:
        progress(effective_configuration(session, pool, config))
    print_report(curate_in_session(session, pool, sources, options.output, config, progress), as_json=options.json)


def run_quickstart(options: Namespace) -> None:
    """Write the embedded pool, curate it by the ordinary way, print the summary."""
    folder = options.output.absolute()
    report = curate_in_session(
        session_options(options, run_file_of(options)),
        Pool(paths=(str(_example_pool(folder)),), columns=PoolColumns(image_url="image_url")),
        [(None, str(example.metadata_path()))],
        str(folder / "tables"),
        CurateConfig(t=example.T),
        progress_of(options),
    )
    print_report(report, as_json=options.json)


def curate_in_session(  # noqa: PLR0917 - the arguments of `curate`, in its order
    session: SessionOptions,
    pool: Pool,
    sources: Sequence[tuple[str | None, str]],
    output: str,
    config: CurateConfig,
    progress: Callable[[str], None] | None = None,
) -> CurateReport:
    """Open a session, read the metadata, curate.

    Args:
        session: how to start Spark.
        pool: what to read.
        sources: language (None: the metadata's own) and location of each metadata list.
        output: root of the tables.
        config: how to balance.
        progress: receives a line at the end of each step.

    Raises:
        ConfigError: two sources are of one language.
    """
    from metaclip_spark.curation.curate import curate  # noqa: PLC0415

    with metadata_in_session(session, sources) as (spark, metadata):
        return curate(spark, pool, metadata, output, config, progress=progress)


def _example_pool(folder: Path) -> Path:
    """The embedded pool's files; written once, so that a second quickstart is recognised as the same run."""
    pool = folder / "pool"
    try:
        if not pool.exists():
            example.write_pool(folder / "pool.partial").rename(pool)
    except OSError as error:
        raise TableError(f"cannot write the example's pool to {pool}: {error.strerror}") from None
    return pool


def print_report(report: CurateReport, *, as_json: bool) -> None:
    """Print a run's report, for people or as JSON."""
    print(json.dumps(report.as_dict(), indent=2) if as_json else render_summary(report))
