"""A path that this machine cannot look up is one of our errors, wherever it is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import exists_here, is_table_name
from metaclip_spark.metadata.read_metadata import read_metadata
from metaclip_spark.spark.locations import absent_part
from metaclip_spark.tables.output_files import new_file

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = f"pools.{'x' * 300}"  # no file system of ours has names above 255 bytes


def exported(place: str) -> None:
    with new_file(place, overwrite=False):
        pass


USES = [lambda place: exists_here(Path(place)), is_table_name, read_metadata, exported]


@pytest.mark.parametrize("use", USES, ids=["a file", "a table's name", "metadata", "an export"])
def test_a_name_that_is_too_long(use: Callable[[str], object]) -> None:
    with pytest.raises(ConfigError, match=r"pools\.xx.* cannot be accessed: File name too long"):
        use(LONG)


def test_a_missing_part_of_a_path_is_described(tmp_path: Path) -> None:
    assert "cannot be accessed: File name too long" in absent_part(str(tmp_path / LONG))
    assert absent_part(str(tmp_path)) == ""
