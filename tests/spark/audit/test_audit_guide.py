"""The examples of the audit guide."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from guide import run_guide

import metaclip_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

GUIDE = Path(next(iter(metaclip_spark.__path__))) / "audit" / "GUIDE.md"


def test_commands_print_what_the_guide_shows(
    spark: SparkSession, example_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(example_root, tmp_path / "quickstart" / "tables")
    assert run_guide(GUIDE, spark) >= 6
