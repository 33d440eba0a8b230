"""The steps of building metadata, one at a time: files of candidates, and their merge."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_spark.core.entries.merge import Source, merge
from metaclip_spark.core.entries.wordnet import ENTRIES
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.metadata.candidates.candidates import (
    Ranked,
    bigram_candidates,
    title_candidates,
    unigram_candidates,
    wordnet_entries,
)
from metaclip_spark.metadata.candidates.files import candidates_folder, read_candidates, write_candidate_files
from metaclip_spark.metadata.candidates.stored import (
    SOURCES,
    configuration_of,
    differences,
    origin_of,
    proposals_of,
)
from metaclip_spark.metadata.dumps.count_words import counted_words
from metaclip_spark.metadata.dumps.list_articles import listed_articles
from metaclip_spark.metadata.origins import origins_of
from metaclip_spark.metadata.read_metadata import read_list
from metaclip_spark.metadata.report import WrittenCandidates
from metaclip_spark.metadata.target import MetadataTarget
from metaclip_spark.metadata.write_list import write_list
from metaclip_spark.spark.progress import Progress, watched_step
from metaclip_spark.spark.session import check_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataConfig, MetadataSources
    from metaclip_spark.metadata.report import MetadataReport


def write_candidates(  # noqa: PLR0917 - what, from where, to where, of which language, how
    spark: SparkSession,
    step: str,
    sources: MetadataSources,
    folder: Path,
    language: str,
    config: MetadataConfig,
    *,
    progress: Callable[[str], None] | None = None,
) -> list[WrittenCandidates]:
    """Do one step and write its candidates: `text<TAB>score`, in order, as `<source>.tsv.gz`.

    Beside each stands `<source>.json`, which tells the merge where they are from.

    Args:
        spark: a session.
        step: "wordnet", "ngrams" or "titles".
        sources: where its sources are.
        folder: to write to, on this machine.
        language: code of the Wikipedia.
        config: least counts, shares and caps.
        progress: receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: a source or the folder cannot be used; nothing is written.
    """
    timer, folder = Progress(progress, spark, "metadata"), candidates_folder(folder)
    if step == "wordnet":
        with timer.step("wordnet"):
            found = {"wordnet": wordnet_entries(language, sources.nltk_data)}
            timer.note(f"{len(found['wordnet'].candidates):,} entries,")
    elif step == "ngrams":
        found = _ngrams(spark, sources, language, config, timer)
    else:
        found = {"titles": _titles(spark, sources, language, config, timer)}
    with timer.step("write"):
        listed, contents = ENTRIES, {}  # WordNet's are before all others
        for name, own in found.items():
            contents[name] = (own.candidates, origin_of(own, language, config, listed))
            listed += len(own.candidates)
        places = write_candidate_files(folder, contents)
        timer.note(f"{sum(len(own.candidates) for own in found.values()):,} candidates,")
    return [
        WrittenCandidates(name, len(own.candidates), str(places[name]), own.figures, own.warnings)
        for name, own in found.items()
    ]


def _ngrams(
    spark: SparkSession, sources: MetadataSources, language: str, config: MetadataConfig, timer: Progress
) -> dict[str, Ranked]:
    with counted_words(spark, sources, language, config, timer) as words:
        if words is None:
            raise ConfigError("no text is given: name a dump, or counts of unigrams")
        with watched_step(spark, timer, "unigrams"):
            unigrams = unigram_candidates(words, config, listed=ENTRIES)
            timer.note(f"{len(unigrams.candidates):,} proposed,")
        with watched_step(spark, timer, "bigrams"):
            bigrams = bigram_candidates(words, unigrams, config, listed=ENTRIES + len(unigrams.candidates))
            timer.note(f"{len(bigrams.candidates):,} proposed,")
    return {"unigrams": unigrams, "bigrams": bigrams}


def _titles(
    spark: SparkSession, sources: MetadataSources, language: str, config: MetadataConfig, timer: Progress
) -> Ranked:
    if not sources.page_views:
        raise ConfigError("no page views are given: name their files or folders")
    with (
        listed_articles(spark, sources.dump, language, timer) as articles,
        watched_step(spark, timer, "titles"),
    ):
        titles = title_candidates(spark, sources, language, config, articles=articles)
        timer.note(f"{len(titles.candidates):,} proposed,")
    return titles


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
    """Merge files of candidates into the list that building it at once gives; a source without a file adds nothing.

    Args:
        spark: a session with Delta.
        folder: of the files, on this machine.
        output: root of the table `metadata`, as of `build_metadata`.
        language: code of the Wikipedia.
        config: caps; least counts and shares are those that the candidates were made with.
        official: a list to take as it is, before all sources.
        compare: another list, to tell the difference to.
        progress: receives a line with figures and seconds at the end of each step.

    Raises:
        InputError: there is no file, one that is none of candidates, or one that does not fit what describes it.
        ConfigError: candidates are of another language.
    """
    started, timer = time.monotonic(), Progress(progress, spark, "metadata")
    check_session(spark)
    target = MetadataTarget(spark, output, language)
    folder = candidates_folder(folder)
    as_is, other = read_list(Path(official)) if official else [], read_list(compare) if compare else None
    with timer.step("read candidates"):
        read = {name: read_candidates(folder, name, language) for name in SOURCES}
        stored = {name: own for name, own in read.items() if own is not None}
        timer.note(f"{sum(len(own.candidates) for own in stored.values()):,} of {', '.join(stored) or 'no source'},")
    found = proposals_of(stored, config, len(as_is))
    caps = {"unigrams": config.unigram_cap, "bigrams": config.bigram_cap, "titles": config.title_cap}
    merged = merge(
        [Source(name, own.candidates, caps.get(name)) for name, own in found.items()],
        total=config.total_cap,
        official=as_is,
    )
    if not merged.entries:
        raise InputError(f"there are no candidates in {folder}: it needs {', '.join(f'{n}.tsv.gz' for n in SOURCES)}")
    origins = origins_of(found, official, as_is)
    origins.warnings.extend(differences(stored, config))
    in_force = configuration_of(stored, config)
    with timer.step("write"):
        report = write_list(target, merged, origins, language=language, config=in_force, other=other, started=started)
        timer.note(f"{report.entries:,} entries,")
    return report
