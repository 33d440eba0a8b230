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
    metadata_sources,
    pool_of,
    run_file_of,
    session_options,
)
from metaclip_spark.config import CurateConfig, Pool, PoolColumns
from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.report.summary import render_summary

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled import CompiledMetadata
    from metaclip_spark.report.curate_report import CurateReport


def run_compile(options: Namespace) -> None:
    """Compile a list into an artifact and print which entries can never match."""
    from metaclip_spark.core.matching.artifact import artifact_digest, artifact_to_bytes  # noqa: PLC0415
    from metaclip_spark.core.matching.tables import compile_metadata  # noqa: PLC0415
    from metaclip_spark.report.entries import render_entries  # noqa: PLC0415
    from metaclip_spark.storage.host_artifact import place  # noqa: PLC0415
    from metaclip_spark.storage.metadata_source import read_list  # noqa: PLC0415

    compiled = compile_metadata(read_list(options.metadata), language=options.language, seed=options.seed)
    artifact = artifact_to_bytes(compiled)
    try:
        place(options.output, artifact)
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
        print(render_entries(compiled, artifact=str(options.output), artifact_bytes=len(artifact)))


def run_curate(options: Namespace) -> None:
    """Curate a pool and print the summary."""
    run_file = run_file_of(options)
    report = curate_in_session(
        session_options(options, run_file),
        pool_of(options, run_file),
        metadata_sources(options.metadata),
        options.output,
        config_of(options, run_file),
    )
    print_report(report, as_json=options.json)


def run_quickstart(options: Namespace) -> None:
    """Write the embedded pool, curate it by the ordinary way, print the summary."""
    folder = options.output.absolute()
    report = curate_in_session(
        session_options(options, run_file_of(options)),
        Pool(paths=(str(_example_pool(folder)),), columns=PoolColumns(image_url="image_url")),
        [(None, str(example.metadata_path()))],
        str(folder / "tables"),
        CurateConfig(t=example.T),
    )
    print_report(report, as_json=options.json)


def curate_in_session(
    session: SessionOptions,
    pool: Pool,
    sources: Sequence[tuple[str | None, str]],
    output: str,
    config: CurateConfig,
) -> CurateReport:
    """Open a session, read the metadata, curate.

    Args:
        session: how to start Spark.
        pool: what to read.
        sources: language (None: the metadata's own) and location of each metadata list.
        output: root of the tables.
        config: how to balance.

    Raises:
        ConfigError: two sources are of one language.
    """
    from metaclip_spark.session import open_session  # noqa: PLC0415
    from metaclip_spark.stages.curate import curate  # noqa: PLC0415

    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        return curate(spark, pool, read_sources(spark, sources), output, config)


def read_sources(spark: SparkSession, sources: Sequence[tuple[str | None, str]]) -> dict[str, CompiledMetadata]:
    """The metadata of each language.

    Args:
        spark: reads tables and remote lists.
        sources: language (None: the metadata's own) and location of each list.

    Raises:
        ConfigError: two sources are of one language.
    """
    from metaclip_spark.storage.metadata_source import read_metadata  # noqa: PLC0415

    metadata: dict[str, CompiledMetadata] = {}
    for language, location in sources:
        compiled = read_metadata(location, language=language, spark=spark)
        if compiled.language in metadata:
            raise ConfigError(f"metadata for {compiled.language!r} is given twice: write LANG=PATH for each")
        metadata[compiled.language] = compiled
    return metadata


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
