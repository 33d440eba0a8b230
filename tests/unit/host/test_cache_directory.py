"""The cache directory: the order of candidates, and refusal of directories to which others can write."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE, cache_root, drop_unused, private_directory


def test_candidates_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "named"))
    assert cache_root() == str(tmp_path / "named")
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == str(tmp_path / "xdg" / "metaclip_spark")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # cannot be a directory
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_root() == str(tmp_path / "home" / ".cache" / "metaclip_spark")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache_root() == str(tmp_path / f"metaclip_spark-{os.getuid()}")
    assert (tmp_path / f"metaclip_spark-{os.getuid()}").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o720, 0o702, 0o1777])
def test_machine_code_is_not_shared_with_strangers(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "named"
    named.mkdir()
    named.chmod(mode)
    monkeypatch.setenv(CACHE_VARIABLE, str(named))
    with pytest.raises(EnvironmentProblemError, match=f"{CACHE_VARIABLE}={named} cannot be used: .* mode {mode:o}"):
        cache_root()


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_others_may_read(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(mode)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_root() == str(tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, -1)
    with pytest.raises(PermissionError, match=f"{tmp_path} is a directory of user 12345 with mode"):
        private_directory(tmp_path)


def test_a_link_in_the_shared_directory_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever put it there would choose which of this user's directories is written to."""
    (tmp_path / "precious").mkdir()
    link = tmp_path / f"metaclip_spark-{os.getuid()}"
    link.symlink_to(tmp_path / "precious")
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert Path(cache_root()) not in {link, tmp_path / "precious"}


def test_a_link_of_this_user_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "link"))
    assert cache_root() == str(tmp_path / "disk")


def test_unused_files_and_directories_are_dropped(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").touch()
        (tmp_path / f"{name}.artifact").touch()
    (tmp_path / "old link").symlink_to(tmp_path / "new")
    for path in tmp_path.glob("old*"):
        os.utime(path, (0, 0), follow_symlinks=False)
    drop_unused([*tmp_path.iterdir(), tmp_path / "absent"])
    assert {path.name for path in tmp_path.iterdir()} == {"new", "new.artifact"}
    assert (tmp_path / "new" / "content").exists()
