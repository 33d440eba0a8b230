"""Metadata of a language, from dumps to the entries that captions match: table 1 of "Demystifying CLIP Data"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.config.metadata import MetadataConfig
from metaclip_spark.metadata.candidates.counted_text import counted_text
from metaclip_spark.metadata.candidates.ngrams import propose_bigrams, propose_unigrams
from metaclip_spark.metadata.candidates.titles import propose_titles
from metaclip_spark.metadata.candidates.wordnet import propose_wordnet
from metaclip_spark.metadata.merge_proposals import MetadataMerge
from metaclip_spark.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataSources
    from metaclip_spark.metadata.candidates.proposal import Proposal
    from metaclip_spark.metadata.report import MetadataReport


def build_metadata(
    spark: SparkSession,
    sources: MetadataSources,
    output: str,
    language: str = "en",
    config: MetadataConfig | None = None,
    *,
    compare: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> MetadataReport:
    """Build the metadata of a language from dumps, and return its report.

    The same sources and configuration give the same metadata, byte for byte, whatever the partitions.

    Args:
        spark: A session with Delta.
        sources: Locations of the sources.
        output: Root of the table `metadata`: a path, or catalog.schema. A local path also gets a folder per language
            with the entries, the manifest, the report and the artifact.
        language: Code of the Wikipedia.
        config: Thresholds, shares and caps; None: those of the papers.
        compare: Another list to compare the entries with.
        progress: Function that receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: A source, the session, the configuration or the output cannot be used; nothing is written.
    """
    config = config or MetadataConfig.for_language(language)
    with Run.open(spark, output, "metadata", progress=progress) as run:
        merge = MetadataMerge(run, output, language, official=sources.official, compare=compare)
        proposals = propose(run, sources, language, config, steps=sources.steps, listed=len(merge.official))
        return merge.write(proposals, config)


def propose(
    run: Run,
    sources: MetadataSources,
    language: str,
    config: MetadataConfig,
    *,
    steps: Collection[str],
    listed: int,
) -> dict[str, Proposal]:
    """Propose the candidates of each source, in the order of table 1.

    Args:
        run: The run.
        sources: Locations of the sources.
        language: Code of the Wikipedia.
        config: Thresholds, shares and caps.
        steps: Steps to execute: "wordnet", "ngrams", "titles".
        listed: Number of entries that precede the candidates.
    """
    proposals: dict[str, Proposal] = {}
    # Line 1: WordNet synsets, preceded by "0" to "99".
    if "wordnet" in steps:
        with run.step("wordnet"):
            wordnet = proposals["wordnet"] = propose_wordnet(language, sources.nltk_data)
            run.note(f"{len(wordnet.candidates):,} entries of edition {wordnet.sources['wordnet'] or '(none)'},")
        listed += len(wordnet.candidates)

    with counted_text(run, sources, language, config, steps=steps) as text:
        # Lines 2 and 3: the frequent words of Wikipedia, and its pairs of words by pointwise mutual information.
        if "ngrams" in steps and text is not None:
            with run.step("unigrams", source="the text"):
                unigrams = proposals["unigrams"] = propose_unigrams(text, config, listed=listed)
                run.note(f"{len(unigrams.candidates):,} proposed,")
            listed += len(unigrams.candidates)
            with run.step("bigrams", source="the text"):
                bigrams = proposals["bigrams"] = propose_bigrams(text, unigrams, config, listed=listed)
                run.note(f"{len(bigrams.candidates):,} proposed,")
        # Line 4: titles by page views.
        if "titles" in steps:
            with run.step("titles", source="the page views"):
                titles = proposals["titles"] = propose_titles(run.spark, sources.page_views, language, config, text)
                run.note(f"{len(titles.candidates):,} proposed,")
    return proposals
