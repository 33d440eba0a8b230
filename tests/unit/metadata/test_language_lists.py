"""Folders with one list of metadata per language: read by file name, refused by name."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.core.matching.artifact import artifact_to_bytes
from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.errors import InputError
from metaclip_spark.metadata.language_lists import list_of_language, lists_by_language
from metaclip_spark.metadata.read_metadata import read_list, read_metadata

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {
    "en.txt": b"dog\n",
    "de.json.gz": gzip.compress(b'["Hund"]'),
    "zh-yue.json": b'["dog"]',
    "be_x_old.txt.gz": gzip.compress(b"dog\n"),
    "simple.gz": gzip.compress(b"dog\n"),
    "other.txt": b"dog\n",
}


def folder_of(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_bytes(CONTENTS.get(name, b"dog\n"))
    return str(folder)


def test_language_of_each_list(tmp_path: Path) -> None:
    lists = lists_by_language(folder_of(tmp_path, *CONTENTS, ".DS_Store", "_SUCCESS"))
    assert {language: path.rpartition("/")[2] for language, path in lists.items()} == {
        name.partition(".")[0]: name for name in CONTENTS
    }
    assert lists_by_language(f"file://{tmp_path}") == lists
    assert {read_metadata(path, language=language).language for language, path in lists.items()} == set(lists)


def test_list_of_a_language_is_read(tmp_path: Path) -> None:
    folder_of(tmp_path, "en.txt", "de.json.gz")
    (tmp_path / "ja.mcs").write_bytes(artifact_to_bytes(compile_metadata(["dog"], language="ja")))
    assert read_metadata(tmp_path, language="de").entry(0) == "Hund"
    assert read_metadata(tmp_path, language="ja").language == "ja"
    assert read_list(tmp_path, "de") == ["Hund"]
    with pytest.raises(InputError, match=r"has lists of de, en, ja\. It has none of 'fr'.*de\.json\.gz"):
        read_metadata(tmp_path, language="fr")
    with pytest.raises(InputError, match=r"Only one is read here"):
        read_list(tmp_path)


def test_only_list_of_a_folder_has_its_language(tmp_path: Path) -> None:
    assert read_metadata(folder_of(tmp_path, "de.json.gz")).language == "de"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["en.txt", "EN.json"], r"other files than lists named by a language: EN\.json\."),
        (["en.txt", "words.txt"], r"words\.txt"),
        (["en.txt", "README.md"], r"README\.md"),
        (["manifest.json", "entries.txt"], r"entries\.txt, manifest\.json"),
        (["en.txt", "de.tsv"], r"de\.tsv"),
        (["en.txt", "a\x1b[31m.txt"], r"a\\x1b\[31m\.txt"),
        (["en.txt", "en.json"], r"two lists of the language 'en': en\.json and en\.txt"),
        (["zh-yue.json", "zh_yue.txt"], r"two lists of the language 'zh_yue'"),
    ],
)
def test_other_files(tmp_path: Path, names: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        lists_by_language(folder_of(tmp_path, *names))


@pytest.mark.parametrize("names", [[], ["part-0.parquet", "en.txt"], ["data"], ["_delta_log", "x.parquet"]])
def test_other_folders(tmp_path: Path, names: list[str]) -> None:
    folder = folder_of(tmp_path, *names)
    assert lists_by_language(folder) == {}
    assert list_of_language(folder, "en") is None


@pytest.mark.parametrize("place", ["s3a://bucket/lists", "main.metadata.entries", "/nowhere/lists"])
def test_other_places(place: str) -> None:
    assert lists_by_language(place) == {}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("en.txt", b"a\n\xff\n", "byte 0xff in line 2"),
        ("en.json", b'{"a": 1}', "a JSON dict"),
        ("en.json", b'["a", 1]', "entry 1 is a int"),
        ("en.json.gz", gzip.compress(b'["a"', mtime=0), "not JSON"),
        ("en.json", b'["\\ud800"]', "not valid Unicode"),
    ],
)
def test_error_names_the_file(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"Cannot read the metadata list .*/{name}\. .*{said}"):
        read_metadata(tmp_path)
