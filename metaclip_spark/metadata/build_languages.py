"""Metadata of several languages, built one after another; a language that fails does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from metaclip_spark.core.entry_list import overall_digest
from metaclip_spark.errors import MetaclipSparkError
from metaclip_spark.metadata.build import build_metadata
from metaclip_spark.metadata.write_metadata import stored_languages
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.metadata.report import MetadataReport


@dataclass(frozen=True)
class BuiltLanguages:
    """Result of building several languages.

    Attributes:
        reports: Report of each language that was built.
        failures: Error of each language that failed; an unexpected error is the cause of a plain `MetaclipSparkError`.
        digests: Digest of each language in the table, with those of earlier builds.
    """

    reports: dict[str, MetadataReport]
    failures: dict[str, MetaclipSparkError]
    digests: dict[str, str]

    @property
    def digest(self) -> str:
        """One digest over all languages of the table, as in its manifest."""
        return overall_digest(self.digests)


def build_languages(
    spark: SparkSession,
    sources: Mapping[str, MetadataSources],
    output: str,
    configs: Mapping[str, MetadataConfig],
    *,
    compare: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> BuiltLanguages:
    """Build the metadata of several languages.

    Args:
        spark: A session with Delta.
        sources: Sources by language.
        output: Root of the table `metadata`, as for `build_metadata`.
        configs: Configurations by language.
        compare: Another list to compare the entries with.
        progress: Function that receives a line at the end of each step, and each failure.
    """
    reports: dict[str, MetadataReport] = {}
    failures: dict[str, MetaclipSparkError] = {}
    for language, own in sources.items():
        say = None if progress is None else partial(_say_language, progress, language)
        try:
            reports[language] = build_metadata(
                spark, own, output, language, configs[language], compare=compare, progress=say
            )
        except Exception as error:  # noqa: BLE001 - not even an unexpected error may stop the other languages
            failures[language] = _as_own_error(error)
            if say is not None:
                say(f"failed: {failures[language]}")
    stored = stored_languages(Tables(spark, output)) if reports else {}
    return BuiltLanguages(reports, failures, {language: one["metadata_digest"] for language, one in stored.items()})


def _as_own_error(error: Exception) -> MetaclipSparkError:
    """Return the error if it is one of this package, else one that says its type and text."""
    if isinstance(error, MetaclipSparkError):
        return error
    own = MetaclipSparkError(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    own.__cause__ = error
    return own


def _say_language(progress: Callable[[str], None], language: str, line: str) -> None:
    progress(f"{language}: {line}")
