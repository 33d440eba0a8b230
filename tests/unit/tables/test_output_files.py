"""Files and folders outside of the tables: complete whenever they have their names, whatever fails before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.tables.output_files import check_apart, check_file_writable, check_writable, new_file, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


def test_a_file_has_its_name_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "below" / "uids.npy"
    with new_file(str(target), overwrite=False) as path:
        path.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    with pytest.raises(TypeError), new_file(f"file://{target}", overwrite=True) as path, path.open("wb") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert [(file.name, file.read_bytes()) for file in target.parent.iterdir()] == [("uids.npy", b"whole")]
    with pytest.raises(TableError, match="exists"), new_file(str(target), overwrite=False):
        pass
    with pytest.raises(TableError, match="not a file"), new_file(str(tmp_path), overwrite=True):
        pass
    with pytest.raises(ConfigError, match="file:///folder/name"), new_file("s3a://bucket/uids.npy", overwrite=False):
        pass


def test_a_folder_has_its_name_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "export"

    def export(content: str, *, whole: bool = True) -> None:
        with new_folder(str(target), overwrite=True) as location:
            path = Path(location.removeprefix("file://"))
            path.mkdir()
            (path / "part").write_text(content)
            if not whole:
                raise ZeroDivisionError
            (path / "_SUCCESS").touch()

    with pytest.raises(ZeroDivisionError):
        export("killed", whole=False)
    assert not target.exists()
    export("first")
    with pytest.raises(ZeroDivisionError):
        export("killed", whole=False)
    assert (target / "part").read_text() == "first"
    export("second")
    assert (target / "part").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_files_of_others_stay(tmp_path: Path) -> None:
    """A name beside the target can be taken, and the target can appear meanwhile."""
    target, beside = tmp_path / "export", tmp_path / "export.partial"
    beside.write_text("theirs")

    def export(new: Callable[..., AbstractContextManager[str | Path]], *, meanwhile: bool) -> None:
        with new(str(target), overwrite=False) as place:
            path = Path(str(place).removeprefix("file://"))
            assert path != beside
            (path.mkdir if new is new_folder else path.touch)()
            if meanwhile:
                target.write_text("theirs too")

    for new in (new_folder, new_file):
        with pytest.raises(TableError, match="exists"):
            export(new, meanwhile=True)
        assert {path.name: path.read_text() for path in (target, beside)} == {
            "export": "theirs too",
            "export.partial": "theirs",
        }
        target.unlink()
        export(new, meanwhile=False)
        assert {path.name for path in tmp_path.iterdir()} == {"export", "export.partial"}
        target.rmdir() if new is new_folder else target.unlink()


def test_nothing_is_replaced_in_a_store() -> None:
    target = "s3a://bucket/export"
    with new_folder(target, overwrite=False) as given:
        assert given == target
    with pytest.raises(ConfigError, match="Delete it"), new_folder(target, overwrite=True):
        pass


@pytest.mark.parametrize(
    "target", ["/data", "/data/tables", "/data/tables/x", "file:///data/tables/x", "/data/other/../tables/x"]
)
def test_an_output_must_not_overlap_a_source(target: str) -> None:
    with pytest.raises(ConfigError, match="overlaps"):
        check_apart(target, ["/pool", "/data/tables"])


def test_an_output_beside_a_source_is_allowed() -> None:
    check_apart("/data/tables2", ["/pool", "/data/tables"])


@pytest.mark.parametrize(
    "place", ["file/x", "file/x/y", "dangling", "dangling/x", "loop/x", "/proc/x/y", "/dev/null/x"]
)
def test_a_folder_that_cannot_be_made(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere/at all")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(TableError, match=r"cannot be written: .*\. Do this\."):
        check_writable(tmp_path / place, remedy="Do this.")
    with pytest.raises(TableError, match="cannot be written"):
        check_file_writable(tmp_path / place / "x")
    for new in (new_file, new_folder):
        with pytest.raises((TableError, ConfigError)), new(str(tmp_path / place / "x"), overwrite=False):
            pass
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("place", ["", "new", "new/deep/er", "link/x", "ü/猫"])
def test_a_folder_that_can_be_made(place: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    check_writable(tmp_path / place, remedy="")
    if (tmp_path / place).is_dir():
        check_file_writable(tmp_path / place / "file")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["link", "real"], "nothing is left"


def test_a_device_is_left_to_the_writer() -> None:
    check_file_writable(Path("/dev/null"))


def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    with pytest.raises(TableError, match="Permission denied"):
        check_writable(tmp_path / "closed" / "out", remedy="")
