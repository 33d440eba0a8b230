"""Identity of a run: a digest of everything that can change its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.core.spacing import SEMANTICS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.source import Source

_DIGITS: Final = 32


@dataclass(frozen=True)
class RunIdentity:
    """Identity of a run: equal inputs give equal ids, on any machine.

    Attributes:
        run_id: Digest of the pool, the metadata, the configuration and the versions of the rules.
        counts_version: Digest of everything that the pool's counts depend on; runs at another t or seed share it.
        metadata_digests: SHA-256 of the metadata by language.
        configuration: Meanings of the columns and configuration, as stored with the run.
        source: Files or table versions of the pool.
        pool: The pool as requested.
        frozen_counts: Key of the counts of another pool that balance the rows; None if the pool's own counts do.
    """

    run_id: str
    counts_version: str
    metadata_digests: Mapping[str, str]
    configuration: dict[str, Any]
    source: Source
    pool: Pool
    frozen_counts: str | None = None

    @property
    def balanced_by(self) -> str:
        """Key of the counts that balance the rows."""
        return self.frozen_counts or self.counts_version


def curation_identity(
    pool: Pool,
    source: Source,
    metadata: Mapping[str, CompiledMetadata],
    config: CurateConfig,
    *,
    frozen_counts: str | None = None,
) -> RunIdentity:
    """Return the identity of a curation.

    Args:
        pool: The pool as requested.
        source: Files or table versions of the pool.
        metadata: Compiled metadata by language.
        config: How the pool is balanced.
        frozen_counts: Key of the counts of another pool that balance the rows; None for the pool's own.
    """
    digests = {language: compiled.metadata_digest for language, compiled in metadata.items()}
    identity = identity_from_digests(pool, source, digests, config)
    if frozen_counts is None:
        return identity
    return replace(
        identity,
        run_id=digest([identity.run_id, frozen_counts]),
        configuration=identity.configuration | {"frozen": frozen_counts},
        frozen_counts=frozen_counts,
    )


def identity_from_digests(
    pool: Pool, source: Source, metadata_digests: Mapping[str, str], config: CurateConfig
) -> RunIdentity:
    """Return the identity of a curation with its own counts, given only the digests of its metadata."""
    counted: dict[str, Any] = {
        "source": source.digest,
        "pool_name": pool.name,
        "text": pool.columns.text,
        "language": pool.columns.language,
        "metadata": dict(metadata_digests),
        "semantics_version": SEMANTICS_VERSION,
    }
    pool_settings = pool.settings()
    if "reading" in pool_settings:
        counted["reading"] = pool_settings["reading"]
    decided = counted | {"configuration": pool_settings | config.identity(), "draw_version": DRAW_VERSION}
    configuration = pool_settings | asdict(config)
    return RunIdentity(digest(decided), digest(counted), metadata_digests, configuration, source, pool)


def digest(values: object) -> str:
    """Return 32 hex digits over JSON values: the name of a run or of its counts."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:_DIGITS]
