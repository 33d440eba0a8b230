"""Artifacts as files: replaced in one step, mapped, and removed when unused."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from metaclip_spark.cli import main
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.spark.host_artifact import map_artifact, open_on_host, replace_file


def test_a_mapped_artifact_outlives_its_replacement(tmp_path: Path) -> None:
    """As when `metaclip-spark compile` runs while a job has the artifact open: a truncated file would kill the job."""
    artifact, metadata = tmp_path / "artifact", tmp_path / "list.txt"
    compile_it = ["compile", str(metadata), "--output", str(artifact)]
    metadata.write_text("".join(f"entry {i}\n" for i in range(50_000)))
    assert main(compile_it) == 0
    running = Matcher(map_artifact(artifact))
    metadata.write_text("photo\n")
    assert main(compile_it) == 0
    assert running.match("entry 49999") == [49_999]
    assert Matcher(map_artifact(artifact)).match("a photo") == [0]
    assert {path.name for path in tmp_path.iterdir()} == {"artifact", "list.txt"}


def test_links_and_modes_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "artifact", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "artifact").stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to() -> None:
    replace_file(Path(os.devnull), b"new")
    assert not Path(os.devnull).is_file()


def test_the_previous_file_stays_if_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = tmp_path / "artifact"
    artifact.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("shutil.copymode", fail)
    with pytest.raises(OSError, match="no space left"):
        replace_file(artifact, b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_full_cache_is_an_error_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers write there; "No space left on device" alone would suggest that the disk of the tables is full."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copymode", full)
    said = rf"1,000 bytes.* 0f0f\.artifact .*{re.escape(str(tmp_path))}: No space left on device\. .*{CACHE_VARIABLE}"
    with pytest.raises(EnvironmentProblemError, match=said):
        open_on_host("0f0f", lambda: bytes(1000))
    assert list(tmp_path.iterdir()) == []
