"""Metadata step by step: files of candidates, and their merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.entries.wordnet_entries import ENTRIES
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.metadata.build import propose
from metaclip_spark.metadata.candidates.candidate_files import (
    candidates_folder,
    read_candidates,
    write_candidate_files,
)
from metaclip_spark.metadata.candidates.stored_candidates import (
    SOURCES,
    configuration_of,
    difference_warnings,
    origin_of,
    proposals_of,
)
from metaclip_spark.metadata.merge_proposals import MetadataMerge
from metaclip_spark.metadata.report import WrittenCandidates
from metaclip_spark.runs.run import Run
from metaclip_spark.tables.output_files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.metadata.report import MetadataReport


def write_candidates(  # noqa: PLR0917 - in the order of the command's words
    spark: SparkSession,
    step: str,
    sources: MetadataSources,
    folder: Path,
    language: str,
    config: MetadataConfig,
    *,
    progress: Callable[[str], None] | None = None,
) -> list[WrittenCandidates]:
    """Execute one step and write its candidates, `text<TAB>score` in order, as `<source>.tsv.gz`.

    A file `<source>.json` beside each describes the candidates for the merge.

    Args:
        spark: A session with Delta.
        step: "wordnet", "ngrams" or "titles".
        sources: Locations of the sources.
        folder: Local folder for the files.
        language: Code of the Wikipedia.
        config: Thresholds, shares and caps.
        progress: Function that receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: A source or the folder cannot be used; nothing is written.
    """
    if step == "ngrams" and not (sources.dump or sources.unigrams):
        raise ConfigError("`metadata ngrams` has no text. Pass --dump or --unigrams.")
    if step == "titles" and not sources.page_views:
        raise ConfigError("`metadata titles` has no page views. Pass --page-views.")
    folder = candidates_folder(folder)
    check_writable(folder, remedy="Name another folder (--output).")
    with Run.open(spark, str(folder), "metadata", progress=progress) as run:
        # The official list is unknown here, so candidates are proposed as if only WordNet's entries were listed.
        listed = 0 if step == "wordnet" else ENTRIES
        proposals = propose(run, sources, language, config, steps={step}, listed=listed)
        with run.step("write"):
            contents = {}
            for name, proposal in proposals.items():
                contents[name] = (proposal.candidates, origin_of(proposal, language, config, listed))
                listed += len(proposal.candidates)
            files = write_candidate_files(folder, contents)
            run.note(f"{sum(len(own.candidates) for own in proposals.values()):,} candidates,")
    return [
        WrittenCandidates(name, len(own.candidates), str(files[name]), own.figures, own.warnings)
        for name, own in proposals.items()
    ]


def merge_candidates(
    spark: SparkSession,
    folder: Path,
    output: str,
    language: str,
    config: MetadataConfig,
    *,
    official: str | None = None,
    compare: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> MetadataReport:
    """Merge files of candidates into the metadata that `build_metadata` gives; a source without a file adds nothing.

    Args:
        spark: A session with Delta.
        folder: Local folder of the files.
        output: Root of the table `metadata`, as for `build_metadata`.
        language: Code of the Wikipedia.
        config: Configuration whose caps are used; the thresholds and shares are those with which the candidates were
            made.
        official: A list whose entries come first, unchanged.
        compare: Another list to compare the entries with.
        progress: Function that receives a line with figures and seconds at the end of each step.

    Raises:
        InputError: There are no files, a file is malformed, or a description belongs to another file.
        ConfigError: Candidates are of another language.
    """
    with Run.open(spark, output, "metadata", progress=progress) as run:
        merge = MetadataMerge(run, output, language, official=official, compare=compare)
        folder = candidates_folder(folder)
        with run.step("read candidates"):
            read = {name: read_candidates(folder, name, language) for name in SOURCES}
            stored = {name: own for name, own in read.items() if own is not None}
            number = sum(len(own.candidates) for own in stored.values())
            run.note(f"{number:,} of {', '.join(stored) or 'no source'},")
        if not (stored or official):
            files = ", ".join(f"{name}.tsv.gz" for name in SOURCES)
            raise InputError(f"There are no candidates in {folder}. It needs one or more of {files}.")
        return merge.write(
            proposals_of(stored, config, len(merge.official)),
            config,
            in_force=configuration_of(stored, config),
            warnings=difference_warnings(stored, config),
        )
