"""WordNet through NLTK: names, editions, other languages, and errors and warnings if there is none."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.errors import InputError
from metaclip_spark.metadata.candidates.wordnet import propose_wordnet

pytest.importorskip("nltk")

from small_wordnet import write_wordnet

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = [str(number) for number in range(100)]


def test_names_and_a_warning_of_an_unpublished_edition(tmp_path: Path) -> None:
    wordnet = propose_wordnet("en", str(write_wordnet(tmp_path, version="3.1")))
    assert [one.text for one in wordnet.candidates] == [*NUMBERS, "dog", "dr", "new york", "run", "well"]
    assert wordnet.sources["wordnet"] == "3.1"
    assert "WordNet 3.1 gives 105 entries" in wordnet.warnings[0]
    assert "3.0, which gives 86,654" in wordnet.warnings[0]


def test_missing_corpus_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no WordNet in .*nltk.downloader.*--nltk-data"):
        propose_wordnet("en", str(tmp_path))


@pytest.mark.parametrize("names", [["wordnet31"], ["wordnet2021", "wordnet2022"]])
def test_missing_corpus_names_other_editions(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / "corpora" / name).mkdir(parents=True)
    found = ", ".join(f"corpora/{name}" for name in names)
    said = rf"no WordNet in .*Other editions are there: {found}\. Run .*downloader"
    with pytest.raises(InputError, match=said):
        propose_wordnet("en", str(tmp_path))


def test_damaged_corpus(tmp_path: Path) -> None:
    folder = write_wordnet(tmp_path) / "corpora" / "wordnet"
    (folder / "lexnames").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        propose_wordnet("en", str(tmp_path))


def test_truncated_or_garbled_corpus_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "cut" / "corpora").mkdir(parents=True)
    (tmp_path / "cut" / "corpora" / "wordnet.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(InputError, match=r"WordNet corpus in .*cut cannot be read.*nltk.downloader.*--nltk-data"):
        propose_wordnet("en", str(tmp_path / "cut"))
    data = write_wordnet(tmp_path / "garbled") / "corpora" / "wordnet" / "data.noun"
    data.write_text(data.read_text().replace(" n 01 dog", " n zz dog"))
    with pytest.raises(InputError, match=r"WordNet corpus in .*garbled cannot be read.*nltk.downloader.*--nltk-data"):
        propose_wordnet("en", str(tmp_path / "garbled"))


def test_multilingual_wordnet(tmp_path: Path) -> None:
    wordnet = propose_wordnet("ja", str(write_wordnet(tmp_path, japanese=("\u72ac", "\u30cb\u30e5\u30fc_\u72ac"))))
    assert [one.text for one in wordnet.candidates] == [*NUMBERS, "\u30cb\u30e5\u30fc \u72ac", "\u72ac"]
    assert wordnet.sources["wordnet"].startswith("omw-1.4 jpn")
    with pytest.raises(InputError, match="no 'tha'"):
        propose_wordnet("th", str(tmp_path))


def test_language_without_a_wordnet_has_the_numbers(tmp_path: Path) -> None:
    wordnet = propose_wordnet("vi", str(tmp_path))
    assert [one.text for one in wordnet.candidates] == NUMBERS
    assert wordnet.sources["wordnet"] == ""
    assert "'vi'" in wordnet.warnings[0]


@pytest.mark.slow
def test_published_edition_gives_the_published_number(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "wordnet" / "wordnet.zip") as archive:
        archive.extractall(tmp_path / "corpora")
    wordnet = propose_wordnet("en", str(tmp_path))
    assert (len(wordnet.candidates), wordnet.sources["wordnet"], wordnet.warnings) == (86_654, "3.0", [])
