"""Metadata of a curation by language, checked against the pool and the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.curation.choose_t import check_choice
from metaclip_spark.errors import ConfigError, InputError

if TYPE_CHECKING:
    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.stored_run import StoredRun


def by_language(metadata: CompiledMetadata | Mapping[str, CompiledMetadata]) -> dict[str, CompiledMetadata]:
    """Return metadata by language, given in that form or as the metadata of one language."""
    return dict(metadata) if isinstance(metadata, Mapping) else {metadata.language: metadata}


def metadata_for_pool(
    metadata: CompiledMetadata | Mapping[str, CompiledMetadata], pool: Pool, config: CurateConfig
) -> dict[str, CompiledMetadata]:
    """Return metadata by language after checking that it fits the pool and the configuration.

    Raises:
        InputError: There is no metadata, or that of a language cannot match anything.
        ConfigError: There are several languages but no language column, or the configuration does not fit.
    """
    languages = by_language(metadata)
    if not languages:
        raise InputError("There is no metadata. Give the compiled metadata of at least one language.")
    for language, compiled in languages.items():
        if not compiled.report.counts[EntryFate.MATCHABLE]:
            raise InputError(
                f"The metadata for {language!r} has {compiled.n_entries} entries, none of which can match a caption. "
                "Pass other metadata."
            )
    if len(languages) > 1 and pool.columns.language is None:
        raise ConfigError(
            f"The metadata is for several languages ({', '.join(languages)}), but the pool {', '.join(pool.paths)} "
            "has no language column. Name the column that contains the language of each caption (--language-column), "
            "or pass the metadata of one language."
        )
    check_choice(config, list(languages))
    if config.texts_per_image == "one_text_per_image" and pool.columns.image_url is None:
        raise ConfigError(
            f"One text per image needs a URL column, and the pool {', '.join(pool.paths)} has none. Name it "
            "(--url-column), or keep all pairs (--texts-per-image all_pairs)."
        )
    return languages


def metadata_of_run(
    run: StoredRun, metadata: CompiledMetadata | Mapping[str, CompiledMetadata]
) -> dict[str, CompiledMetadata]:
    """Return metadata by language after checking that it is the metadata that a run matched.

    Raises:
        InputError: It has other entries or languages, so that the stored ids and counts would not refer to it.
    """
    languages = metadata_for_pool(metadata, run.pool, run.config)
    given = {language: compiled.metadata_digest for language, compiled in languages.items()}
    stored = dict(run.metadata_digests)
    if given != stored:
        differing = sorted(name for name in given | stored if given.get(name) != stored.get(name))
        raise InputError(
            f"The metadata for {', '.join(map(repr, differing))} is not the metadata that run {run.run_id} matched "
            f"(digests {stored}; given {given}). Pass the same metadata, or curate all pools again."
        )
    return languages
