"""`--metadata [LANG=]PATH`: the metadata of each language."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.arguments.printing import announce_kernels
from metaclip_spark.cli.arguments.session import session_of
from metaclip_spark.core.languages import LANGUAGE
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ArgumentGroup
    from collections.abc import Iterable, Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.cli.arguments.run_file import RunFile
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

_LANGUAGE_PREFIX: Final = re.compile(rf"(?P<language>{LANGUAGE})=(?P<path>.+)", re.DOTALL)


def add_metadata_argument(
    parser: ArgumentParser | _ArgumentGroup,
    *,
    required: bool = True,
    described: str = "metadata: a list, artifact or table per language (default: en), or a folder of lists LANG.txt",
) -> None:
    """Add `--metadata`.

    Args:
        parser: Parser of a command, or one of its groups.
        required: Whether the command needs the metadata.
        described: Help text.
    """
    parser.add_argument("--metadata", nargs="+", default=[], required=required, metavar="[LANG=]PATH", help=described)


def metadata_sources(arguments: Iterable[str]) -> list[tuple[str | None, str]]:
    """Return language and location of each metadata source.

    Args:
        arguments: "LANG=PATH", or "PATH" for the language that the metadata itself names, else English.

    >>> metadata_sources(["entries.txt.gz", "de=german.txt"])
    [(None, 'entries.txt.gz'), ('de', 'german.txt')]
    >>> metadata_sources(["s3a://bucket/part=1/entries.txt"])
    [(None, 's3a://bucket/part=1/entries.txt')]
    """
    prefixed = [(_LANGUAGE_PREFIX.fullmatch(argument), argument) for argument in arguments]
    return [(match["language"], match["path"]) if match else (None, argument) for match, argument in prefixed]


def each_list(sources: Iterable[tuple[str | None, str]]) -> Iterator[tuple[str | None, str]]:
    """Yield the sources, and instead of a folder of lists without a language each of its lists with its own."""
    from metaclip_spark.metadata.language_lists import lists_by_language  # noqa: PLC0415 - only where it is read

    for language, location in sources:
        lists = lists_by_language(location) if language is None else {}
        yield from lists.items() if lists else [(language, location)]


@contextmanager
def session_and_metadata(
    options: Namespace, run_file: RunFile
) -> Iterator[tuple[SparkSession, dict[str, CompiledMetadata]]]:
    """Open the session and read the metadata by language, for a `with` block.

    Raises:
        ConfigError: Two sources have the same language.
    """
    from metaclip_spark.core.matching.tokens import match_rows  # noqa: PLC0415 - `--help` must not load numba
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415

    with session_of(options, run_file) as spark:
        announce_kernels(options, match_rows)
        metadata: dict[str, CompiledMetadata] = {}
        for language, location in each_list(metadata_sources(options.metadata)):
            compiled = read_metadata(location, language=language, spark=spark)
            if compiled.language in metadata:
                raise ConfigError(
                    f"--metadata is given twice for {compiled.language!r}. Pass LANG=PATH for each language"
                )
            metadata[compiled.language] = compiled
        yield spark, metadata
