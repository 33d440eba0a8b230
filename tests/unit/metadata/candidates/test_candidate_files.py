"""Candidate files: written candidates are read back, and files that do not belong together are refused."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.config.metadata import MetadataConfig
from metaclip_spark.core.entries.merge import Candidate
from metaclip_spark.errors import ConfigError, InputError, MetaclipSparkError, TableError
from metaclip_spark.metadata.candidates.candidate_files import (
    Origin,
    StoredCandidates,
    candidates_folder,
    read_candidates,
    write_candidate_files,
)
from metaclip_spark.metadata.candidates.stored_candidates import configuration_of, difference_warnings, proposals_of
from metaclip_spark.metadata.origins import origins_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = MetadataConfig(unigram_cap=2)
CANDIDATES = [
    Candidate("\ufeffa", 3), Candidate("b c", 1e-7), Candidate("", 10.0), Candidate("d"), Candidate("\u2028", -2.5),
]  # fmt: skip
WITH_CONTROL = [Candidate("a\tb", 7), Candidate("c\nd", 0.5)]
ORIGIN = Origin(
    language="vi",
    sources={"dump": "viwiki", "files": [{"file": "x.bz2", "bytes": 7}]},
    configuration=CONFIG.as_dict(),
    listed=1,
    text={"pages article": 9},
    figures={"distinct": 4, "share requested": None, "min PMI reached": 0.1},
    warnings=["caf\u00e9"],
)


def test_written_candidates_are_read_back(tmp_path: Path) -> None:
    mixed = [WITH_CONTROL[0], *CANDIDATES, WITH_CONTROL[1]]
    places = write_candidate_files(tmp_path, {"unigrams": (mixed, ORIGIN), "titles": ([], ORIGIN)})
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert places["unigrams"] == tmp_path / "unigrams.tsv.gz"
    read = read_candidates(tmp_path, "unigrams", "vi")
    assert read == StoredCandidates(CANDIDATES + WITH_CONTROL, ORIGIN)
    assert [type(one.score) for one in read.candidates[:3]] == [int, float, float]
    assert read_candidates(tmp_path, "titles", "vi") == StoredCandidates([], ORIGIN)
    assert read_candidates(tmp_path, "bigrams", "vi") is None
    write_candidate_files(tmp_path, {"unigrams": (mixed, ORIGIN), "titles": ([], ORIGIN)})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_file_made_by_hand(tmp_path: Path) -> None:
    (tmp_path / "titles.tsv.gz").write_bytes(gzip.compress("\ufeffa\t3\r\nb\r\nc d\t1E2".encode()))
    assert read_candidates(tmp_path, "titles", "en") == StoredCandidates(
        [Candidate("a", 3), Candidate("b"), Candidate("c d", 100.0)], None
    )


def change_lines(folder: Path) -> None:
    (folder / "unigrams.tsv.gz").write_bytes(gzip.compress(b"a\t4\n"))


def keep_old_description(folder: Path) -> None:
    old = (folder / "unigrams.json").read_bytes()
    write_candidate_files(folder, {"unigrams": (CANDIDATES[:2], ORIGIN)})
    (folder / "unigrams.json").write_bytes(old)


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-9])


def written(name: str, content: str) -> Callable[[Path], None]:
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    return lambda folder: (folder / name).write_bytes(packed)


def without(name: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        described = json.loads((folder / "unigrams.json").read_text())
        (folder / "unigrams.json").write_text(json.dumps(described | {name: value}))

    return change


BAD = {
    "lines that were changed": (change_lines, r"unigrams\.json does not describe unigrams\.tsv\.gz"),
    "an old description": (keep_old_description, r"does not describe unigrams\.tsv\.gz, which was changed.*remove"),
    "a description of nothing": (
        lambda folder: (folder / "unigrams.tsv.gz").unlink(), r"describes unigrams\.tsv\.gz, which is missing"),
    "truncated lines": (cut("unigrams.tsv.gz"), r"unigrams\.tsv\.gz cannot be read"),
    "a truncated description": (cut("unigrams.json"), r"unigrams\.json cannot be read"),
    "another JSON": (written("unigrams.json", "[]"), "does not describe candidates: it is a JSON list"),
    "no language": (without("language", None), "language missing or of the wrong type"),
    "no digest": (without("digest", 7), "digest missing or of the wrong type"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "said"), BAD.values(), ids=BAD.keys())
def test_files_that_do_not_belong_together(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    write_candidate_files(tmp_path, {"unigrams": (CANDIDATES, ORIGIN)})
    damage(tmp_path)
    with pytest.raises(InputError, match=said):
        read_candidates(tmp_path, "unigrams", "vi")


@pytest.mark.parametrize("line", ["a\tmany", "a\tnan", "a\t1\t2", "a\t1e999"])
def test_malformed_lines(tmp_path: Path, line: str) -> None:
    written("titles.tsv.gz", f"ok\t1\n{line}\n")(tmp_path)
    with pytest.raises(InputError, match=r"titles\.tsv\.gz, line 2: .* is not `text<TAB>score`"):
        read_candidates(tmp_path, "titles", "en")


def test_candidates_of_another_language(tmp_path: Path) -> None:
    write_candidate_files(tmp_path, {"unigrams": (CANDIDATES, ORIGIN)})
    with pytest.raises(ConfigError, match=r"unigrams\.tsv\.gz has candidates of 'vi'.*of 'en'.*--language vi"):
        read_candidates(tmp_path, "unigrams", "en")


@pytest.mark.parametrize(("name", "error"), [("s3a://bucket/x", ConfigError), ("a.txt", TableError)])
def test_stores_and_files_are_not_folders(tmp_path: Path, name: str, error: type[MetaclipSparkError]) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(error, match="Pass a folder"):
        candidates_folder(tmp_path / name if error is TableError else type(tmp_path)(name))
    assert candidates_folder(type(tmp_path)(f"file://{tmp_path}")) == tmp_path


def unigrams(count: int, **changed: object) -> dict[str, StoredCandidates]:
    candidates = [Candidate(f"w{number}", count - number) for number in range(count)]
    return {"unigrams": StoredCandidates(candidates, replace(ORIGIN, **changed))}


def test_as_many_are_proposed_as_by_building_at_once() -> None:
    # Two to admit, and one more because one entry may be listed already
    proposed = proposals_of(unigrams(9), CONFIG, 1)["unigrams"]
    assert [one.text for one in proposed.candidates] == ["w0", "w1", "w2"]
    assert (proposed.warnings, proposed.sources, proposed.text) == (ORIGIN.warnings, ORIGIN.sources, ORIGIN.text)
    assert len(proposals_of(unigrams(9), MetadataConfig(unigram_cap=None), 1)["unigrams"].candidates) == 9
    # Made for one preceding entry; with three, all of them may be among the proposed ones
    (_, said) = proposals_of(unigrams(3), CONFIG, 3)["unigrams"].warnings
    assert "for at most 1 preceding entries, but 3 precede them: fewer than 2 may be admitted" in said
    assert proposals_of(unigrams(2), CONFIG, 3)["unigrams"].warnings == ORIGIN.warnings  # there are no more candidates


def test_differences_between_steps_are_warnings() -> None:
    config = replace(CONFIG, unigram_min_count=7, unigram_cap=3, title_cap=9)
    stored = unigrams(2) | {"bigrams": StoredCandidates([], replace(ORIGIN, sources={"dump": "enwiki"}))}
    assert difference_warnings(stored, CONFIG)[:1] == [
        "unigrams.json and bigrams.json have different values of 'dump': the manifest has that of unigrams"
    ]
    said = difference_warnings(stored, config)
    assert len(said) == 2
    assert said[0].startswith("unigrams were made with unigram_min_count = 100, not 7, unigram_cap = 2, not 3: ")
    in_force = configuration_of(stored, config)
    assert (in_force["unigram_min_count"], in_force["unigram_cap"], in_force["title_cap"]) == (100, 3, 9)
    origins = origins_of(proposals_of(stored, config, 0), "folder/list.txt", ["a", "a"])
    assert origins.sources == ORIGIN.sources | {"official": "list.txt"}
    assert origins.figures["official"] == {"entries": 2, "repeated": 1}
    assert origins.figures["text"] == ORIGIN.text
