"""A session with the metadata that was named on the command line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import SparkSession

    from metaclip_spark.cli.options import SessionOptions
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@contextmanager
def metadata_in_session(
    session: SessionOptions, sources: Sequence[tuple[str | None, str]]
) -> Iterator[tuple[SparkSession, dict[str, CompiledMetadata]]]:
    """A session, and the metadata by language, for a `with` block.

    Raises:
        ConfigError: two sources are of one language.
    """
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        metadata: dict[str, CompiledMetadata] = {}
        for language, location in sources:
            compiled = read_metadata(location, language=language, spark=spark)
            if compiled.language in metadata:
                raise ConfigError(f"metadata for {compiled.language!r} is given twice: write LANG=PATH for each")
            metadata[compiled.language] = compiled
        yield spark, metadata
