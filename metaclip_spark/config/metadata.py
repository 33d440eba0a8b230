"""What building metadata is told: the sources of a language, and the least counts, shares and caps of the papers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from metaclip_spark.config.checks import check_flag, is_number
from metaclip_spark.core.entries.page_views import MIN_LINE_VIEWS, MIN_VIEWS
from metaclip_spark.errors import ConfigError

UNIGRAMS: Final = 251_465
BIGRAMS: Final = 100_646
TITLES: Final = 61_235
TOTAL: Final = 500_000
"""Entries of the published list by source (Demystifying CLIP Data, table 1)."""

REFERENCE_LANGUAGE: Final = "en"
_MOST_LETTERS: Final = 32
_MOST_BITS: Final = 1000
"""Far more than any pair can have, and 2 ** bits is still a number."""


@dataclass(frozen=True, kw_only=True)
class MetadataSources:
    """Where the sources of a language are. One that is not given adds nothing.

    Attributes:
        nltk_data: folder with NLTK's `corpora/`; None: where NLTK looks itself (NLTK_DATA).
        wordnet: take WordNet (English) or the Open Multilingual WordNet (other languages, where it has them).
        dump: files or folders of a `pages-articles` dump.
        unigrams: ready-made counts in place of a dump: `word count` or `word<TAB>count`.
        bigrams: the same of pairs of words.
        page_views: hourly files, or folders of them.
        official: a list to take as it is, before all sources.
    """

    nltk_data: str | None = None
    wordnet: bool = True
    dump: tuple[str, ...] = ()
    unigrams: tuple[str, ...] = ()
    bigrams: tuple[str, ...] = ()
    page_views: tuple[str, ...] = ()
    official: str | None = None

    def __post_init__(self) -> None:
        if self.dump and (self.unigrams or self.bigrams):
            raise ConfigError("both a dump and ready-made counts are given: words are counted in the one or the other")
        if self.bigrams and not self.unigrams:
            raise ConfigError(
                "counts of bigrams are given without those of unigrams, which their score needs: give both"
            )
        if not (self.wordnet or self.dump or self.unigrams or self.page_views or self.official):
            raise ConfigError("no source is given: a dump, counts, page views, WordNet or a list")


@dataclass(frozen=True, kw_only=True)
class MetadataConfig:
    """How to choose entries; `for_language` has the papers' values.

    Attributes:
        unigram_min_count: occurrences that a unigram needs.
        unigram_share: share of the distinct words, by occurrences, that is kept; None: all with enough.
        unigram_cap: unigrams newly admitted at most; None, here as below: no limit.
        bigram_min_count: occurrences that a bigram needs in English Wikipedia; scaled down to a smaller one unless
            `bigram_min_count_exact`.
        bigram_min_count_exact: take `bigram_min_count` as it is.
        bigram_min_pmi: bits that a bigram needs; None: the best are taken, however good.
        bigram_share: bigrams at most, as a share of the unigrams kept; None: no such limit.
        bigram_cap: newly admitted at most.
        title_min_line_views: views of an hourly line that is counted.
        title_min_views: views over all files that a title needs.
        title_share: share of the distinct titles, by views, that is kept; None: all with enough.
        title_cap: newly admitted at most.
        total_cap: entries at most.
        keep_odd: words may begin and end with quotes, brackets and markup.
        tokens: word tokens of the corpus, where the counts given are a part of it; None: their sum.
    """

    unigram_min_count: int = 100
    unigram_share: float | None = None
    unigram_cap: int | None = UNIGRAMS
    bigram_min_count: int = 100
    bigram_min_count_exact: bool = False
    bigram_min_pmi: float | None = None
    bigram_share: float | None = None
    bigram_cap: int | None = BIGRAMS
    title_min_line_views: int = MIN_LINE_VIEWS
    title_min_views: int = MIN_VIEWS
    title_share: float | None = None
    title_cap: int | None = TITLES
    total_cap: int | None = TOTAL
    keep_odd: bool = False
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("unigram_cap", "bigram_cap", "title_cap", "total_cap", "tokens"):
            _check_count(name, getattr(self, name), optional=True)
        for name in ("unigram_min_count", "bigram_min_count", "title_min_line_views", "title_min_views"):
            _check_count(name, getattr(self, name))
        for name in ("unigram_share", "bigram_share", "title_share"):
            share = getattr(self, name)
            if share is not None and not (is_number(share) and 0 < share <= 1):
                raise ConfigError(f"{name} = {share!r} is no share: pass a number > 0, at most 1, or leave it out")
        for name in ("bigram_min_count_exact", "keep_odd"):
            check_flag(name, getattr(self, name))
        bits = self.bigram_min_pmi
        if bits is not None and not (is_number(bits) and 0 <= bits <= _MOST_BITS):
            remedy = f"pass a number from 0 to {_MOST_BITS}, or leave it out for the best pairs"
            raise ConfigError(f"bigram_min_pmi = {bits!r} is no number of bits: {remedy}")

    @classmethod
    def for_language(cls, language: str, **changed: Any) -> MetadataConfig:
        """The published values: English by Demystifying CLIP Data, all others by the shares of Meta CLIP 2.

        Raises:
            ConfigError: the language is no code, or a value is out of its range.

        >>> MetadataConfig.for_language("vi").unigram_share, MetadataConfig.for_language("en").unigram_min_count
        (0.1, 100)
        """
        check_language(language)
        if language == REFERENCE_LANGUAGE:
            return cls(**changed)
        shares = cls(
            unigram_min_count=1, unigram_share=0.1, bigram_share=0.4, title_share=0.76, title_min_line_views=1,
            title_min_views=1,
        )  # fmt: skip
        return replace(shares, **changed)

    def as_dict(self) -> dict[str, Any]:
        """The values, as JSON types."""
        return asdict(self)


def check_language(language: str) -> None:
    """Refuse what is no code of a Wikipedia, or one in capitals, which would be another language's list and folder.

    Raises:
        ConfigError: it is.
    """
    code = language.replace("_", "").replace("-", "")
    if not (code.isascii() and code.isalnum() and len(language) <= _MOST_LETTERS):
        raise ConfigError(f"language {language!r} is no code of a Wikipedia, such as en, vi or zh_yue")
    if language != language.lower():
        raise ConfigError(f"language {language!r} is written in capitals: write {language.lower()!r}")


def _check_count(name: str, value: object, *, optional: bool = False) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        remedy = "an integer >= 1" + (", or leave it out for no limit" if optional else "")
        raise ConfigError(f"{name} = {value!r} is no number of its kind: pass {remedy}")
