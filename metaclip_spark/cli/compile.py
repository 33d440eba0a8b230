"""`metaclip-spark compile`: compile metadata into an artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import add_printing_arguments, announce_kernels
from metaclip_spark.errors import TableError
from metaclip_spark.host.places import here

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_compile(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compile",
        description="Compile metadata once, so that further runs only load it, and list the entries that can never "
        "match. Does not start Spark.",
    )
    parser.add_argument(
        "metadata",
        type=here,
        metavar="METADATA",
        help="entries: .txt (one per line) or .json (a list), both also with .gz; .gz alone is text; or a "
        "folder of lists LANG.txt",
    )
    parser.add_argument("--output", type=here, required=True, metavar="ARTIFACT", help="file to write")
    parser.add_argument("--language", default="en", help="language of the captions to match (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the hash tables, not of the draw (default: 0)")
    add_printing_arguments(parser)
    parser.set_defaults(run=run_compile)


def run_compile(options: Namespace) -> None:
    """Compile metadata into an artifact, and print which entries can never match."""
    from metaclip_spark.core.matching.artifact import (  # noqa: PLC0415 - `--help` must not load numba
        artifact_digest,
        artifact_to_bytes,
    )
    from metaclip_spark.core.matching.compile_metadata import compile_metadata  # noqa: PLC0415
    from metaclip_spark.core.matching.tokens import build_words  # noqa: PLC0415
    from metaclip_spark.metadata.compile_summary import render_compiled  # noqa: PLC0415
    from metaclip_spark.metadata.read_metadata import read_list  # noqa: PLC0415
    from metaclip_spark.spark.host_artifact import replace_file  # noqa: PLC0415
    from metaclip_spark.tables.output_files import check_file_writable  # noqa: PLC0415

    entries = read_list(options.metadata, options.language)
    check_file_writable(options.output)
    announce_kernels(options, build_words)
    compiled = compile_metadata(entries, language=options.language, seed=options.seed)
    artifact = artifact_to_bytes(compiled)
    try:
        replace_file(options.output, artifact)
    except OSError as error:
        raise TableError(f"The artifact {options.output} cannot be written: {error.strerror}") from None
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
