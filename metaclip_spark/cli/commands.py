"""What each subcommand does, once its options are values of the library."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from metaclip_spark.errors import InputError, TableError

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


def run_compile(options: Namespace) -> None:
    """Compile a list into an artifact and print which entries can never match."""
    # Loads numba: `--help` and argument errors should not wait for it.
    from metaclip_spark.core.matching.artifact import artifact_to_bytes  # noqa: PLC0415
    from metaclip_spark.core.matching.tables import compile_metadata  # noqa: PLC0415
    from metaclip_spark.report.entries import render_entries  # noqa: PLC0415

    compiled = compile_metadata(read_list(options.metadata), language=options.language, seed=options.seed)
    artifact = artifact_to_bytes(compiled)
    try:
        options.output.write_bytes(artifact)
    except OSError as error:
        raise TableError(f"cannot write the artifact {options.output}: {error.strerror}") from None
    if options.json:
        print(
            json.dumps(
                {
                    "artifact": str(options.output),
                    "bytes": len(artifact),
                    "language": compiled.language,
                    "metadata_digest": compiled.metadata_digest,
                    "artifact_digest": compiled.artifact_digest,
                    "entries": compiled.report.as_dict(),
                },
                indent=2,
            ),
        )
    else:
        print(render_entries(compiled, artifact=str(options.output), artifact_bytes=len(artifact)))


def read_list(path: Path) -> list[str]:
    """Entries of a .txt or .json list, plain or gzip.

    Raises:
        InputError: the file cannot be read, or is no list.
    """
    from metaclip_spark.core.metadata.entry_list import parse_json, parse_text  # noqa: PLC0415 - loads numpy

    try:
        data = path.read_bytes()
        content = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read the metadata list {path}: {error}") from None
    return parse_json(content) if ".json" in path.suffixes else parse_text(content)


def run_curate(options: Namespace) -> None:
    """Curate a pool and print the summary."""
    raise NotImplementedError(options)


def run_quickstart(options: Namespace) -> None:
    """Write the embedded pool, curate it by the ordinary command, print the summary."""
    raise NotImplementedError(options)
