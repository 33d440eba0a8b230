"""`metaclip-spark compile`: every form of metadata, what can never match, errors by kind."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from metaclip_spark.cli import main
from metaclip_spark.core.matching.artifact import artifact_from_buffer
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.tokens import build_words
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.host.kernel_digest import kernel_digest

if TYPE_CHECKING:
    from pathlib import Path


LIST = ["photo", "", "new york", "photo", "St. Louis", "a\tb"]


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".gz", ".json"])
def test_compile_reads_every_form_and_writes_an_artifact(suffix: str, tmp_path: Path) -> None:
    content = json.dumps(LIST).encode() if suffix == ".json" else "".join(line + "\n" for line in LIST).encode()
    source = tmp_path / f"list{suffix}"
    source.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    artifact = tmp_path / "artifact"
    assert main(["compile", str(source), "--output", str(artifact), "--language", "de"]) == 0
    compiled = artifact_from_buffer(artifact.read_bytes())
    assert compiled.language == "de"
    assert Matcher(compiled).match("photo, new york") == [0, 2]


def test_compile_reports_what_can_never_match(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text(json.dumps(LIST))
    main(["compile", str(tmp_path / "list.json"), "--output", str(tmp_path / "artifact")])
    lines = capsys.readouterr().out.splitlines()
    for text in ("entries", "can match", "blank", "repeated", "tab, newline", "'St. Louis'"):
        assert any(text in line for line in lines), text


def test_compile_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text(json.dumps(LIST))
    main(["compile", str(tmp_path / "list.json"), "--output", str(tmp_path / "artifact"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["entries"]["counts"] == {"matchable": 2, "blank": 1, "repeated": 1, "control": 1, "unmatchable": 1}
    assert report["bytes"] == (tmp_path / "artifact").stat().st_size


class Failure(NamedTuple):
    name: str
    content: bytes | None
    exit_code: int
    says: str


FAILURES = [
    Failure("absent", None, 3, "Cannot read the metadata"),
    Failure("not UTF-8", b"caf\xe9\n", 3, "not UTF-8"),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_errors_are_one_line_without_traceback(
    case: Failure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "list.txt"
    if case.content is not None:
        source.write_bytes(case.content)
    assert main(["compile", str(source), "--output", str(tmp_path / "artifact")]) == case.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("metaclip-spark: ")
    assert case.says in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "artifact").exists()


def test_truncated_gzip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt.gz").write_bytes(gzip.compress(b"photo\n" * 1000)[:-9])
    assert main(["compile", str(tmp_path / "list.txt.gz"), "--output", str(tmp_path / "artifact")]) == 3
    assert "list.txt.gz" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compile", str(tmp_path / "absent.txt"), "--output", str(tmp_path / "artifact")]
    assert main([*arguments, "--debug"]) == main(arguments) == 3
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.count("metaclip-spark: ") == 2


def test_unwritable_artifact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt").write_text("photo\n")
    assert main(["compile", str(tmp_path / "list.txt"), "--output", str(tmp_path / "absent" / "artifact")]) == 6
    assert "cannot be written" in capsys.readouterr().err


def test_kernels_are_announced_before_they_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.txt").write_text("photo\n")
    command = ["compile", str(tmp_path / "list.txt"), "--output", str(tmp_path / "artifact"), "--progress"]
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    assert main(command) == 0
    assert "Compiling kernels" in capsys.readouterr().err
    folder = tmp_path / "cache" / "kernels" / kernel_digest(build_words.__name__)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "find-1.compiled").touch()
    assert main(command) == 0
    assert capsys.readouterr().err == ""
