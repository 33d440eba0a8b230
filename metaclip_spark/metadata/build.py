"""Build metadata: four sources and one merge, as table 1 of "Demystifying CLIP Data" has them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_spark.config.metadata import MetadataConfig
from metaclip_spark.core.entries.merge import Source, merge
from metaclip_spark.core.entry_list import overall_digest
from metaclip_spark.errors import InputError, MetaclipSparkError
from metaclip_spark.metadata.candidates.candidates import (
    Ranked,
    bigram_candidates,
    title_candidates,
    unigram_candidates,
    wordnet_entries,
)
from metaclip_spark.metadata.dumps.count_words import counted_words
from metaclip_spark.metadata.origins import origins_of
from metaclip_spark.metadata.read_metadata import read_list
from metaclip_spark.metadata.target import MetadataTarget, stored_lists
from metaclip_spark.metadata.write_list import write_list
from metaclip_spark.spark.progress import Progress, watched_step
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

    from metaclip_spark.config.metadata import MetadataSources
    from metaclip_spark.metadata.report import MetadataReport


@dataclass(frozen=True)
class Built:
    """Languages that were asked for.

    Attributes:
        reports: of those that were built.
        failures: what the others failed of; the cause of a plain `MetaclipSparkError` is one that was not foreseen.
        digests: of each language in the table now, those that were there before among them.
    """

    reports: dict[str, MetadataReport]
    failures: dict[str, MetaclipSparkError]
    digests: dict[str, str]

    @property
    def digest(self) -> str:
        """One digest over all languages of the table, which its manifest holds too."""
        return overall_digest(self.digests)


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
    """Build the metadata of a language, from dumps to the list that is matched.

    The same sources and configuration give the same list, byte for byte, whatever the partitions. Returns the figures
    that are stored beside it.

    Args:
        spark: a session with Delta.
        sources: where the sources are.
        output: root of the table `metadata`: a path, or catalog.schema. The list, the manifest and the artifact go into
            a folder of the language's name there, where it is one of this machine.
        language: code of the Wikipedia.
        config: least counts, shares and caps; None: those of the papers.
        compare: another list, to tell the difference to.
        progress: receives a line with figures and seconds at the end of each step.

    Raises:
        MetaclipSparkError: a source, the session, the configuration or the output cannot be used; nothing is written.
    """
    started, timer = time.monotonic(), Progress(progress, spark, "metadata")
    config = config or MetadataConfig.for_language(language)
    check_session(spark)
    target = MetadataTarget(spark, output, language)
    official, other = _read_if_given(sources.official) or [], _read_if_given(compare)

    wordnet = unigrams = bigrams = titles = Ranked()
    # Table 1, line 1: WordNet synsets, and "0" to "99".
    if sources.wordnet:
        with timer.step("wordnet"):
            wordnet = wordnet_entries(language, sources.nltk_data)
            timer.note(f"{len(wordnet.candidates):,} entries of edition {wordnet.origin['wordnet'] or '(none)'},")
    listed = len(official) + len(wordnet.candidates)

    with counted_words(spark, sources, language, config, timer) as words:
        # Lines 2 and 3: the frequent words of Wikipedia, and its pairs of words by pointwise mutual information.
        if words is not None:
            with watched_step(spark, timer, "unigrams"):
                unigrams = unigram_candidates(words, config, listed=listed)
                timer.note(f"{len(unigrams.candidates):,} proposed,")
            with watched_step(spark, timer, "bigrams"):
                bigrams = bigram_candidates(words, unigrams, config, listed=listed + len(unigrams.candidates))
                timer.note(f"{len(bigrams.candidates):,} proposed,")
        # Line 4: titles by page views.
        if sources.page_views:
            with watched_step(spark, timer, "titles"):
                articles = words.articles if words is not None else None
                titles = title_candidates(spark, sources, language, config, articles=articles)
                timer.note(f"{len(titles.candidates):,} proposed,")

    merged = merge(
        [
            Source("wordnet", wordnet.candidates),
            Source("unigrams", unigrams.candidates, config.unigram_cap),
            Source("bigrams", bigrams.candidates, config.bigram_cap),
            Source("titles", titles.candidates, config.title_cap),
        ],
        total=config.total_cap,
        official=official,
    )
    if not merged.entries:
        raise InputError(f"the sources of {language!r} give no entry: {merged.figures}")
    found = {"wordnet": wordnet, "unigrams": unigrams, "bigrams": bigrams, "titles": titles}
    origins = origins_of(found, sources.official, official)
    with timer.step("write"):
        report = write_list(
            target, merged, origins, language=language, config=config.as_dict(), other=other, started=started
        )
        timer.note(f"{report.entries:,} entries,")
    return report


def build_languages(
    spark: SparkSession,
    sources: Mapping[str, MetadataSources],
    output: str,
    configs: Mapping[str, MetadataConfig],
    *,
    compare: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Built:
    """Build several languages, one after another; one that fails does not stop the others.

    Args:
        spark: a session with Delta.
        sources: of each language.
        output: root, as of `build_metadata`.
        configs: of each language.
        compare: another list, to tell the difference to.
        progress: receives a line at the end of each step, and each failure.
    """
    reports: dict[str, MetadataReport] = {}
    failures: dict[str, MetaclipSparkError] = {}
    for language, own in sources.items():
        say = None if progress is None else partial(_say_of, progress, language)
        try:
            reports[language] = build_metadata(
                spark, own, output, language, configs[language], compare=compare, progress=say
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other languages
            failures[language] = _named(error)
            if say is not None:
                say(f"failed: {failures[language]}")
    lists = stored_lists(Tables(spark, output)) if reports else {}
    return Built(reports, failures, {language: one["metadata_digest"] for language, one in lists.items()})


def _named(error: Exception) -> MetaclipSparkError:
    """The error if it is one of ours, else one that says its type and text."""
    if isinstance(error, MetaclipSparkError):
        return error
    named = MetaclipSparkError(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
    named.__cause__ = error
    return named


def _say_of(progress: Callable[[str], None], language: str, line: str) -> None:
    progress(f"{language}: {line}")


def _read_if_given(path: str | Path | None) -> list[str] | None:
    return read_list(Path(path)) if path else None
