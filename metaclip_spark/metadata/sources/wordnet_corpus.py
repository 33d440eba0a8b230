"""WordNet through NLTK's corpus reader, from corpora that are on this machine; nothing is ever downloaded."""

from __future__ import annotations

import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.config.metadata import REFERENCE_LANGUAGE
from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.entries.wordnet import (
    EDITION,
    ENTRIES,
    NUMBERS,
    OPEN_MULTILINGUAL,
    entry_of_lemma,
    entry_of_synset,
    wordnet_candidates,
)
from metaclip_spark.core.languages import base_language, language_code
from metaclip_spark.errors import EnvironmentProblemError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MULTILINGUAL: Final = ("omw-2.0", "omw-1.4")
_TAB_FILES: Final = r".*/wn-data-.*\.tab"
_HOW: Final = (
    "run `python -m nltk.downloader -d DIR {}` on a machine with a network, and name DIR with --nltk-data (or in "
    "NLTK_DATA): it holds corpora/; or leave WordNet out with --no-wordnet"
)


@dataclass(frozen=True)
class WordNet:
    """WordNet's part of a list.

    Attributes:
        candidates: the numbers, then the names.
        edition: of the corpus, as it says itself; "" if the language has none.
        warnings: about the edition.
    """

    candidates: list[Candidate]
    edition: str
    warnings: list[str]


def read_wordnet(language: str, nltk_data: str | None = None) -> WordNet:
    """Names of WordNet's synsets; in other languages than English lemmas of the Open Multilingual WordNet.

    Args:
        language: code of the Wikipedia.
        nltk_data: folder with `corpora/`; None: where NLTK looks itself.

    Raises:
        EnvironmentProblemError: NLTK is not installed.
        InputError: there is no corpus, or not of the language.
    """
    code = OPEN_MULTILINGUAL.get(language_code(language)) or OPEN_MULTILINGUAL.get(base_language(language))
    if language != REFERENCE_LANGUAGE and code is None:
        said = f"there is no Open Multilingual WordNet of {language!r}: the list has the numbers 0 to 99 in its place"
        return WordNet([Candidate(number) for number in NUMBERS], "", [said])
    with _corpus(nltk_data) as (reader, multilingual):
        edition = str(reader.get_version())
        if language == REFERENCE_LANGUAGE:
            candidates = wordnet_candidates(entry_of_synset(one.name()) for one in reader.all_synsets())
            return WordNet(candidates, edition, _edition_warnings(edition, len(candidates)))
        if multilingual is not None:
            reader.add_omw()
        if code not in reader.langs():
            raise InputError(f"the Open Multilingual WordNet has no {code!r} here: {_HOW.format('omw-1.4')}")
        candidates = wordnet_candidates(map(entry_of_lemma, reader.all_lemma_names(lang=code)))
        return WordNet(candidates, f"{multilingual} {code} with WordNet {edition}", [])


def _edition_warnings(edition: str, entries: int) -> list[str]:
    if edition == EDITION and entries == ENTRIES:
        return []
    published = f"the published list was made from {EDITION}, which gives {ENTRIES:,}"
    return [f"WordNet {edition} gives {entries:,} entries; {published}"]


@contextmanager
def _corpus(nltk_data: str | None) -> Iterator[tuple[Any, str | None]]:
    """NLTK's reader, and the name of the multilingual corpus beside it."""
    try:
        import nltk  # noqa: PLC0415 - an extra
        from nltk.corpus.reader import CorpusReader, WordNetCorpusReader  # noqa: PLC0415
        from nltk.corpus.reader.wordnet import WordNetError  # noqa: PLC0415
        from nltk.corpus.util import LazyCorpusLoader  # noqa: PLC0415
    except ImportError:
        raise EnvironmentProblemError(
            "WordNet is read by NLTK: pip install 'metaclip-spark[metadata]' (nltk)"
        ) from None
    multilingual = None
    places = nltk.data.path
    before = list(places)
    if nltk_data is not None:
        places[:] = [nltk_data]  # no other: an edition that lies elsewhere would take its place unseen
    try:
        multilingual = next((name for name in _MULTILINGUAL if _is_there(nltk, name)), None)
        if not _is_there(nltk, "wordnet"):
            where = nltk_data or ", ".join(before)
            raise InputError(f"there is no WordNet in {where} (corpora/wordnet): {_HOW.format('wordnet')}")
        others = LazyCorpusLoader(multilingual, CorpusReader, _TAB_FILES, encoding="utf8") if multilingual else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that there is no multilingual one, which English does not need
            yield LazyCorpusLoader("wordnet", WordNetCorpusReader, others), multilingual
    # A plain ValueError or IndexError is of lines that are cut, WordNetError of lines that are none.
    except (OSError, LookupError, ValueError, zipfile.BadZipFile, WordNetError) as error:
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"the WordNet corpus in {nltk_data or ', '.join(before)} cannot be read, and may be cut: {said}; "
            + _HOW.format("wordnet" if multilingual is None else f"wordnet {multilingual}")
        ) from error
    finally:
        places[:] = before


def _is_there(nltk: Any, name: str) -> bool:
    for place in (f"corpora/{name}", f"corpora/{name}.zip/{name}/"):
        try:
            nltk.data.find(place)
        except LookupError:
            continue
        return True
    return False
