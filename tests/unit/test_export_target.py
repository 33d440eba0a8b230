"""Places to export to: what stands at a target's name is whole, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.storage.export_target import new_file, new_folder, refuse_sources


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
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
    with pytest.raises(TableError, match="no file"), new_file(str(tmp_path), overwrite=True):
        pass
    with pytest.raises(ConfigError, match="write it here"), new_file("s3a://bucket/uids.npy", overwrite=False):
        pass


def test_a_folder_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "export"

    def export(content: str, *, whole: bool = True) -> None:
        with new_folder(str(target), overwrite=True) as (path, mode):
            assert mode == "overwrite"
            Path(path).mkdir(exist_ok=True)
            (Path(path) / "part").write_text(content)
            if not whole:
                raise ZeroDivisionError
            (Path(path) / "_SUCCESS").touch()

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


def test_in_a_store_nothing_is_replaced() -> None:
    target = "s3a://bucket/export"
    with new_folder(target, overwrite=False) as given:
        assert given == (target, "errorifexists")
    with pytest.raises(ConfigError, match="delete it"), new_folder(target, overwrite=True):
        pass


@pytest.mark.parametrize("target", ["/data", "/data/tables", "/data/tables/x", "file:///data/tables/x"])
def test_sources_are_no_targets(target: str) -> None:
    with pytest.raises(ConfigError, match="overlaps"):
        refuse_sources(target, ["/pool", "/data/tables"])


def test_beside_a_source_is_fine() -> None:
    refuse_sources("/data/tables2", ["/pool", "/data/tables"])
