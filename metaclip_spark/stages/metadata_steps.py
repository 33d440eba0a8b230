"""The steps of building metadata, one at a time: files of candidates, and their merge."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark.core.metadata.merge import Source, merge
from metaclip_spark.core.metadata.wordnet import ENTRIES
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.report.metadata_report import WrittenCandidates, difference_to, metadata_report
from metaclip_spark.session import check_session
from metaclip_spark.stages.count_words import counted_words
from metaclip_spark.stages.metadata_candidates import (
    Ranked,
    bigram_candidates,
    title_candidates,
    unigram_candidates,
)
from metaclip_spark.storage.candidate_files import read_candidates, write_candidate_file
from metaclip_spark.storage.metadata_source import read_list
from metaclip_spark.storage.metadata_target import MetadataTarget
from metaclip_spark.storage.wordnet_corpus import read_wordnet

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from metaclip_spark.metadata_config import MetadataConfig, MetadataSources
    from metaclip_spark.report.metadata_report import MetadataReport

SOURCES: Final = ("wordnet", "unigrams", "bigrams", "titles")


def write_candidates(  # noqa: PLR0917 - what, from where, to where, of which language, how
    spark: SparkSession, step: str, sources: MetadataSources, folder: Path, language: str, config: MetadataConfig
) -> list[WrittenCandidates]:
    """Do one step and write its candidates: `text<TAB>score`, in order, as `<source>.tsv.gz`.

    Args:
        spark: a session.
        step: "wordnet", "ngrams" or "titles".
        sources: where its sources are.
        folder: to write to.
        language: code of the Wikipedia.
        config: least counts, shares and caps.
    """
    if step == "wordnet":
        wordnet = read_wordnet(language, sources.nltk_data)
        found = {"wordnet": Ranked(wordnet.candidates, {}, wordnet.warnings)}
    elif step == "ngrams" and not (sources.dump or sources.unigrams):
        raise ConfigError("no text is given: name a dump, or counts of unigrams")
    elif step == "titles" and not sources.page_views:
        raise ConfigError("no page views are given: name their files or folders")
    else:
        with counted_words(spark, sources, language, config) as words:
            if step == "titles":
                found = {"titles": title_candidates(spark, sources, language, config, words=words)}
            else:
                assert words is not None  # noqa: S101 - one of its sources was asked for above
                unigrams = unigram_candidates(words, config, listed=ENTRIES)
                bigrams = bigram_candidates(words, unigrams, config, listed=ENTRIES + len(unigrams.candidates))
                found = {"unigrams": unigrams, "bigrams": bigrams}
    written = []
    for name, ranked in found.items():
        place = write_candidate_file(folder, name, ranked.candidates)
        written.append(WrittenCandidates(name, len(ranked.candidates), str(place), ranked.figures, ranked.warnings))
    return written


def merge_candidates(
    spark: SparkSession,
    folder: Path,
    output: str,
    language: str,
    config: MetadataConfig,
    *,
    official: str | None = None,
    compare: Path | None = None,
) -> MetadataReport:
    """Merge files of candidates into the list; a source without a file adds nothing.

    Raises:
        InputError: there is no file, or one that is none of candidates.
    """
    started = time.monotonic()
    check_session(spark)
    target = MetadataTarget(spark, output, language)
    candidates = {name: read_candidates(folder, name) for name in SOURCES}
    as_is = read_list(Path(official)) if official else []
    caps = {"unigrams": config.unigram_cap, "bigrams": config.bigram_cap, "titles": config.title_cap}
    merged = merge(
        [Source(name, own, caps.get(name)) for name, own in candidates.items() if own is not None],
        total=config.total_cap,
        official=as_is,
    )
    if not merged.entries:
        raise InputError(f"there are no candidates in {folder}: it needs {', '.join(f'{n}.tsv.gz' for n in SOURCES)}")
    report = metadata_report(
        merged,
        language=language,
        config=config.as_dict(),
        sources={"candidates": [name for name, own in candidates.items() if own is not None]},
        figures={},
        warnings=[],
        difference=difference_to(merged.entries, read_list(compare)) if compare else None,
    )
    written = target.write(
        merged.entries, digest=report.metadata_digest, manifest=report.manifest(), report=report.as_dict()
    )
    return report.finished(written.files, time.monotonic() - started, written.warnings)
