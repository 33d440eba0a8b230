"""Sources of the metadata of a language, and its thresholds, shares and caps with the values of the papers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from metaclip_spark.config.checks import check_flag, is_number
from metaclip_spark.core.entries.page_views import MIN_LINE_VIEWS, MIN_VIEWS
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import absolute

UNIGRAMS: Final = 251_465
BIGRAMS: Final = 100_646
TITLES: Final = 61_235
TOTAL: Final = 500_000
"""Entries of the published metadata by source (Demystifying CLIP Data, table 1)."""

REFERENCE_LANGUAGE: Final = "en"
_MAX_LETTERS: Final = 32
_MAX_PMI: Final = 1000
"""Limit of `bigram_min_pmi`: far more bits than any pair can have, and 2 ** 1000 is still a double."""


@dataclass(frozen=True, kw_only=True)
class MetadataSources:
    """Locations of the sources of a language. A source without a location adds nothing.

    Relative paths are those of the directory in which this is constructed.

    Attributes:
        nltk_data: Folder with NLTK's `corpora/`; None: where NLTK itself searches (NLTK_DATA).
        wordnet: Whether to use WordNet (English) or the Open Multilingual WordNet (other languages, if it covers them).
        dump: Files or folders of a `pages-articles` dump.
        any_project: Whether the dump may be of another project than Wikipedia, such as Wiktionary.
        unigrams: Files with ready-made counts instead of a dump: `word count` or `word<TAB>count`.
        bigrams: Files with ready-made counts of pairs of words.
        page_views: Hourly files or daily files of `pageview_complete`, or folders of them.
        official: A list whose entries come before all sources, unchanged.
    """

    nltk_data: str | None = None
    wordnet: bool = True
    dump: tuple[str, ...] = ()
    any_project: bool = False
    unigrams: tuple[str, ...] = ()
    bigrams: tuple[str, ...] = ()
    page_views: tuple[str, ...] = ()
    official: str | None = None

    def __post_init__(self) -> None:
        if self.dump and (self.unigrams or self.bigrams):
            raise ConfigError(
                "Both a dump and ready-made counts are given, but words come from only one of them. Pass one."
            )
        check_flag("any_project", self.any_project)
        if self.any_project and self.page_views:
            raise ConfigError(
                "Dumps of any project are requested together with page views, which are those of Wikipedias. Leave out "
                "the page views, or pass the dump of a Wikipedia without --any-project."
            )
        if self.bigrams and not self.unigrams:
            raise ConfigError(
                "Counts of bigrams are given without counts of unigrams, which their score needs. Pass both."
            )
        if not (self.wordnet or self.dump or self.unigrams or self.page_views or self.official):
            raise ConfigError("No source is given. Pass a dump, counts, page views, WordNet or an official list.")
        for name in ("dump", "unigrams", "bigrams", "page_views"):
            object.__setattr__(self, name, tuple(map(absolute, getattr(self, name))))
        for name in ("nltk_data", "official"):
            object.__setattr__(self, name, getattr(self, name) and absolute(getattr(self, name)))

    @property
    def steps(self) -> frozenset[str]:
        """Steps of the build that have a source: "wordnet", "ngrams", "titles"."""
        given = {"wordnet": self.wordnet, "ngrams": self.dump or self.unigrams, "titles": self.page_views}
        return frozenset(step for step, source in given.items() if source)


@dataclass(frozen=True, kw_only=True)
class MetadataConfig:
    """Thresholds, shares and caps that choose entries; `for_language` returns the values of the papers.

    The caps count newly admitted entries, and None means no limit.

    Attributes:
        unigram_min_count: Occurrences that a unigram needs.
        unigram_share: Share of the distinct words that is proposed, most frequent first; None: all above the minimum.
        unigram_cap: Maximum number of unigrams admitted.
        bigram_min_count: Occurrences that a bigram needs in English Wikipedia, scaled down to a smaller one unless
            `bigram_min_count_exact`.
        bigram_min_count_exact: Whether to use `bigram_min_count` without scaling.
        bigram_min_pmi: Pointwise mutual information that a bigram needs, in bits; None: no minimum, the best are taken.
        bigram_share: Maximum number of bigrams, as a share of the unigrams that the cap leaves; None: no such limit.
        bigram_cap: Maximum number of bigrams admitted.
        title_min_line_views: Views from which a line of a file counts.
        title_min_views: Views over all files that a title needs.
        title_share: Share of the distinct titles that is proposed, most viewed first; None: all above the minimum.
        title_cap: Maximum number of titles admitted.
        total_cap: Maximum number of entries.
        keep_odd: Whether words may begin and end with quotes, brackets and markup.
        tokens: Word tokens of the complete text, if ready-made counts are a part of it; None: the sum of the counts.
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
                raise ConfigError(f"{name} = {share!r} is not a share. Pass a number > 0 and <= 1, or omit it.")
        for name in ("bigram_min_count_exact", "keep_odd"):
            check_flag(name, getattr(self, name))
        bits = self.bigram_min_pmi
        if bits is not None and not (is_number(bits) and 0 <= bits <= _MAX_PMI):
            remedy = f"Pass a number from 0 to {_MAX_PMI}, or omit it for the best pairs"
            raise ConfigError(f"bigram_min_pmi = {bits!r} is not a number of bits. {remedy}.")

    @classmethod
    def for_language(cls, language: str, **changed: Any) -> MetadataConfig:
        """Return the published values: for English those of Demystifying CLIP Data, else those of Meta CLIP 2.

        Args:
            language: Code of the Wikipedia.
            changed: Values that replace the published ones.

        Raises:
            ConfigError: The language is not a code, or a value is out of its range.

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
        """Return the values as JSON types."""
        return asdict(self)


def check_language(language: str) -> None:
    """Raise ConfigError unless a language is a lower-case code; upper case would name a second folder."""
    code = language.replace("_", "").replace("-", "")
    if not (code.isascii() and code.isalnum() and len(language) <= _MAX_LETTERS):
        raise ConfigError(f"Language {language!r} is not the code of a Wikipedia. Pass a code like en, vi or zh_yue.")
    if language != language.lower():
        raise ConfigError(f"Language {language!r} is in upper case. Pass {language.lower()!r}.")


def _check_count(name: str, value: object, *, optional: bool = False) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        remedy = "an integer >= 1" + (", or omit it" if optional else "")
        raise ConfigError(f"{name} = {value!r} is not a positive integer. Pass {remedy}.")
