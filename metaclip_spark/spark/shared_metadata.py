"""Compiled metadata in Python workers: sent once, mapped once per host, one matcher per process."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final, Self

from metaclip_spark.core.matching.artifact import artifact_digest, artifact_to_bytes
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.spark.host_artifact import open_on_host
from metaclip_spark.spark.shared_value import share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.spark.shared_value import Shared


_matchers: Final[dict[str, Matcher]] = {}  # matchers of this process, by artifact digest


class SharedMetadata:
    """Handle to the metadata of every language; sent to the workers inside the functions that use it.

    The handle is small: digests, sizes and references to the bytes. A worker fetches an artifact's bytes only if its
    host has not yet mapped them, and only for languages that occur in its rows. On the driver it is a context manager.
    """

    def __init__(self, spark: SparkSession, metadata: Mapping[str, CompiledMetadata]) -> None:
        self.n_entries = {language: compiled.n_entries for language, compiled in metadata.items()}
        self._digests = {language: artifact_digest(compiled) for language, compiled in metadata.items()}
        self._artifacts = {
            language: share(spark, artifact_to_bytes(compiled)) for language, compiled in metadata.items()
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have metadata, in the order of the blocks' keys."""
        return tuple(self.n_entries)

    def matcher(self, language: str) -> Matcher:
        """Return the matcher of a language. Called in a worker."""
        digest = self._digests[language]
        if digest not in _matchers:
            artifact = self._artifacts[language]
            _matchers[digest] = Matcher(open_on_host(digest, lambda: _fetch(artifact)))
            # pyspark collects garbage after every task. That would take a tenth of a short task, because numba has half
            # a million objects, which live as long as the worker.
            gc.freeze()
        return _matchers[digest]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the artifacts from driver and executors."""
        for artifact in self._artifacts.values():
            artifact.destroy()


def _fetch(artifact: Shared[bytes]) -> bytes:
    content = artifact.value
    # pyspark keeps the value of a broadcast as long as the worker lives: tens of MB, which the mapped file makes
    # superfluous.
    vars(artifact).pop("_value", None)
    return content
