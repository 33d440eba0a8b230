"""Compiled metadata on the workers: broadcast once, mapped once per host, one matcher per process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.storage.host_artifact import open_on_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark import Broadcast
    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.tables import CompiledMetadata


class SharedMetadata:
    """Handle to the metadata of every language; goes to the workers inside the functions that use it.

    The handle itself is small: digests, sizes and the broadcasts' ids. A worker fetches a broadcast's bytes only if its
    host has not yet mapped them, and only for languages that occur in its rows.
    """

    def __init__(self, spark: SparkSession, metadata: Mapping[str, CompiledMetadata]) -> None:
        self.n_entries = {language: compiled.n_entries for language, compiled in metadata.items()}
        self._digests = {language: compiled.artifact_digest for language, compiled in metadata.items()}
        self._broadcasts = {
            language: spark.sparkContext.broadcast(artifact_to_bytes(compiled))
            for language, compiled in metadata.items()
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have metadata, in the order of the blocks' keys."""
        return tuple(self.n_entries)

    def matcher(self, language: str) -> Matcher:
        """On a worker: the matcher of one of the languages."""
        broadcast = self._broadcasts[language]
        return Matcher(open_on_host(self._digests[language], lambda: _fetch(broadcast)))

    def release(self) -> None:
        """On the driver: drop the broadcasts from driver and executors."""
        for broadcast in self._broadcasts.values():
            broadcast.destroy()


def _fetch(broadcast: Broadcast[bytes]) -> bytes:
    content = broadcast.value
    # pyspark keeps the value for the life of the worker: tens of MB that the mapped file makes superfluous.
    vars(broadcast).pop("_value", None)
    return content
