"""Candidates from text: frequent words, and pairs of words by pointwise mutual information (table 1, lines 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.ngrams.collocations import max_information, pointwise_mutual_information
from metaclip_spark.metadata.candidates.proposal import (
    MIN_COUNT_REACHED,
    MIN_PMI_REACHED,
    TOP_ROWS_SETTINGS,
    Proposal,
    cap_limit,
    share_limit,
)
from metaclip_spark.metadata.candidates.rank_ngrams import collocations, frequent_words
from metaclip_spark.spark.settings import changed_settings

if TYPE_CHECKING:
    from metaclip_spark.config.metadata import MetadataConfig
    from metaclip_spark.metadata.candidates.counted_text import CountedText


def propose_unigrams(text: CountedText, config: MetadataConfig, *, listed: int) -> Proposal:
    """Propose words by occurrences.

    Args:
        text: Counts of the language.
        config: Minimum count, share and cap.
        listed: Number of entries that may be listed already: this many candidates more than the cap are proposed.
    """
    share, cap = config.unigram_share, config.unigram_cap
    limit = cap_limit(cap, listed) if share is None else share_limit(share, text.distinct_words, cap)
    with changed_settings(text.rows.sparkSession, TOP_ROWS_SETTINGS):
        rows = frequent_words(text.rows, min_count=config.unigram_min_count, limit=limit).collect()
    figures = {
        "distinct": text.distinct_words,
        "tokens": text.tokens,
        "min count requested": config.unigram_min_count,
        "share requested": share,
        MIN_COUNT_REACHED: rows[-1]["count"] if rows else None,
    }
    candidates = [Candidate(row.text, row["count"]) for row in rows]
    return Proposal(candidates, figures, sources=text.sources, text=text.figures)


def propose_bigrams(text: CountedText, unigrams: Proposal, config: MetadataConfig, *, listed: int) -> Proposal:
    """Propose pairs of frequent words by pointwise mutual information.

    Args:
        text: Counts of the language.
        unigrams: Proposal of its words.
        config: Minimum count and information, share and cap.
        listed: Number of entries that may be listed already.
    """
    if not unigrams.candidates:
        warnings = ["no word is frequent enough for bigrams"]
        return Proposal(warnings=warnings, sources=text.sources, text=text.figures)
    min_count, min_pmi = text.min_pair_count(config), config.bigram_min_pmi
    # With a share, the count of its last word defines the frequent words; without one, the minimum count does.
    min_word_count = config.unigram_min_count
    if config.unigram_share is not None:
        min_word_count = int(unigrams.candidates[-1].score or 1)
    with changed_settings(text.rows.sparkSession, TOP_ROWS_SETTINGS):
        rows = collocations(
            text.rows,
            min_word_count=min_word_count,
            min_count=min_count,
            min_ratio=0.0 if min_pmi is None else 2.0**min_pmi / text.tokens,
            limit=_bigram_limit(unigrams, config, listed),
            is_joined=text.is_joined,
        ).collect()
    scores = [pointwise_mutual_information(row.pair, row.first, row.second, text.tokens) for row in rows]
    figures = {
        "min count requested": min_count,
        "min word count requested": min_word_count,
        "share requested": config.bigram_share,
        "min PMI requested": min_pmi,
        MIN_PMI_REACHED: scores[-1] if scores else None,
    }
    candidates = [Candidate(row.text, score) for row, score in zip(rows, scores, strict=True)]
    return Proposal(candidates, figures, _unreachable(min_pmi, min_count, text.tokens), text.sources, text.figures)


def _bigram_limit(unigrams: Proposal, config: MetadataConfig, listed: int) -> int | None:
    if config.bigram_share is None:
        return cap_limit(config.bigram_cap, listed)
    # `bigram_share` is a share of the unigrams that remain after their cap. More are proposed: some may be listed.
    proposed = len(unigrams.candidates)
    kept = proposed if config.unigram_cap is None else min(proposed, config.unigram_cap)
    return share_limit(config.bigram_share, kept, config.bigram_cap)


def _unreachable(min_pmi: float | None, min_count: int, tokens: int) -> list[str]:
    """Warn if no pair can have the information requested."""
    greatest = max_information(min_count, tokens)
    if min_pmi is None or min_pmi <= greatest:
        return []
    said = (
        f"no bigram can have the {min_pmi:g} bits of bigram_min_pmi: one that occurs {min_count} times in {tokens:,} "
        f"words has at most {greatest:.1f}. Lower bigram_min_pmi or bigram_min_count"
    )
    return [said]
