"""Candidates from WordNet (table 1, line 1), read with NLTK from corpora on this machine; nothing is downloaded."""

from __future__ import annotations

import warnings
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.config.metadata import REFERENCE_LANGUAGE
from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.core.entries.wordnet_entries import (
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
from metaclip_spark.metadata.candidates.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

_MULTILINGUAL: Final = ("omw-2.0", "omw-1.4")
_EDITIONS: Final = ("wordnet31", "wordnet2021", "wordnet2022", "wordnet2024")
_TAB_FILES: Final = r".*/wn-data-.*\.tab"
_HOW: Final = (
    "Run `python -m nltk.downloader -d DIR {}` on a machine with internet access and pass DIR, which then contains "
    "corpora/, as --nltk-data (or in NLTK_DATA); or leave WordNet out with --no-wordnet."
)


def propose_wordnet(language: str, nltk_data: str | None = None) -> Proposal:
    """Propose the numbers 0 to 99, then the names of WordNet's synsets.

    Languages other than English have the lemmas of the Open Multilingual WordNet instead, or the numbers alone.

    Args:
        language: Code of the Wikipedia.
        nltk_data: Folder with `corpora/`; None: where NLTK itself searches.

    Raises:
        EnvironmentProblemError: NLTK is not installed.
        InputError: There is no corpus, or none of this language.
    """
    code = OPEN_MULTILINGUAL.get(language_code(language)) or OPEN_MULTILINGUAL.get(base_language(language))
    if language != REFERENCE_LANGUAGE and code is None:
        said = f"the Open Multilingual WordNet does not cover {language!r}: only the numbers 0 to 99 are proposed"
        return _proposal([Candidate(number) for number in NUMBERS], "", [said])
    with _corpus(nltk_data) as (reader, multilingual):
        edition = str(reader.get_version())
        if language == REFERENCE_LANGUAGE:
            candidates = wordnet_candidates(entry_of_synset(one.name()) for one in reader.all_synsets())
            return _proposal(candidates, edition, _edition_warnings(edition, len(candidates)))
        if multilingual is not None:
            reader.add_omw()
        if code not in reader.langs():
            raise InputError(f"The installed Open Multilingual WordNet has no {code!r}. {_HOW.format('omw-1.4')}")
        candidates = wordnet_candidates(map(entry_of_lemma, reader.all_lemma_names(lang=code)))
        return _proposal(candidates, f"{multilingual} {code} with WordNet {edition}", [])


def _proposal(candidates: list[Candidate], edition: str, warnings_: list[str]) -> Proposal:
    return Proposal(candidates, warnings=warnings_, sources={"wordnet": edition})


def _edition_warnings(edition: str, entries: int) -> list[str]:
    if edition == EDITION and entries == ENTRIES:
        return []
    published = f"the published list was made from {EDITION}, which gives {ENTRIES:,}"
    return [f"WordNet {edition} gives {entries:,} entries; {published}"]


@contextmanager
def _corpus(nltk_data: str | None) -> Iterator[tuple[Any, str | None]]:
    """Yield NLTK's reader, and the name of the multilingual corpus if there is one."""
    try:
        import nltk  # noqa: PLC0415 - an extra
        from nltk.corpus.reader import CorpusReader, WordNetCorpusReader  # noqa: PLC0415
        from nltk.corpus.reader.wordnet import WordNetError  # noqa: PLC0415
        from nltk.corpus.util import LazyCorpusLoader  # noqa: PLC0415
    except ImportError:
        raise EnvironmentProblemError(
            "WordNet is read with NLTK, which is not installed: pip install 'metaclip-spark[metadata]'."
        ) from None
    multilingual = None
    places = nltk.data.path
    before = list(places)
    if nltk_data is not None:
        places[:] = [nltk_data]  # no other place, where NLTK might find another edition
    try:
        multilingual = next((name for name in _MULTILINGUAL if _is_there(nltk, name)), None)
        if not _is_there(nltk, "wordnet"):
            where = nltk_data or ", ".join(before)
            editions = [name for name in _EDITIONS if _is_there(nltk, name)]
            found = (
                f" Other editions are there: {', '.join(f'corpora/{name}' for name in editions)}." if editions else ""
            )
            raise InputError(f"There is no WordNet in {where} (corpora/wordnet).{found} {_HOW.format('wordnet')}")
        others = LazyCorpusLoader(multilingual, CorpusReader, _TAB_FILES, encoding="utf8") if multilingual else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NLTK warns of a missing multilingual corpus, which English does not need
            yield LazyCorpusLoader("wordnet", WordNetCorpusReader, others), multilingual
    # ValueError and IndexError (a LookupError) come from truncated lines, WordNetError from malformed ones.
    except (OSError, LookupError, ValueError, zipfile.BadZipFile, WordNetError) as error:
        said = str(error).strip().partition("\n")[0]
        raise InputError(
            f"The WordNet corpus in {nltk_data or ', '.join(before)} cannot be read and may be truncated: {said}. "
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
