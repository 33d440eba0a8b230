"""The examples of the curation guide."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from guide import run_guide

import metaclip_spark
from metaclip_spark import example

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

GUIDE = Path(next(iter(metaclip_spark.__path__))) / "curation" / "GUIDE.md"


def test_examples_do_what_the_guide_shows(
    spark: SparkSession, example_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(Path(example_root).parent, tmp_path / "quickstart")
    metadata = tmp_path / "metaclip_spark" / "example" / example.metadata_path().name
    metadata.parent.mkdir(parents=True)
    shutil.copy(example.metadata_path(), metadata)
    assert run_guide(GUIDE, spark, paths=["quickstart", "new.tsv", "from_python"]) >= 9
