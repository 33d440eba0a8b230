"""Writing of metadata: only steps whose failure is a warning follow the commit of the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from metaclip_spark.core.entries.merge import Source, merge
from metaclip_spark.core.entry_list import overall_digest
from metaclip_spark.errors import TableError
from metaclip_spark.metadata import write_metadata
from metaclip_spark.metadata.read_metadata import read_list
from metaclip_spark.metadata.write_metadata import MetadataTarget, Written, stored_languages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.tables.tables import Tables

pytestmark = pytest.mark.spark

TEXTS = ["dog", "new york"]
OTHER = {"vi": {"metadata_digest": "0f", "entries": 7}}


def write(spark: SparkSession, output: str) -> Written:
    entries = merge([Source("titles", [])], official=TEXTS).entries
    return MetadataTarget(spark, output, "en").write(entries, digest="a0", manifest={"a": 1}, report={"b": 2})


def test_paths_are_those_of_spark(
    spark: SparkSession, tmp_path: Path, default_store: Callable[[dict[str, Path | str]], str]
) -> None:
    default_store({"lists": tmp_path})
    written = write(spark, "/lists/en wiki")
    assert written.files == {"table": "/lists/en wiki/metadata"}
    assert ["only the table" in warning for warning in written.warnings] == [True]
    assert [path.name for path in (tmp_path / "en wiki").iterdir()] == ["metadata"]


@pytest.mark.parametrize("in_the_way", ["manifest.json", "en/entries.mcs"])
def test_unwritable_file_leaves_no_table(spark: SparkSession, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).mkdir(parents=True)
    with pytest.raises(TableError, match=f"{in_the_way} is not a file"):
        write(spark, str(tmp_path))
    assert not (tmp_path / "metadata").exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_full_disk_leaves_no_table(spark: SparkSession, disk: Callable[[int], Path]) -> None:
    folder = disk(16 << 10)  # blocks of four of the six files
    with pytest.raises(TableError, match="No space left"):
        write(spark, str(folder / "out"))
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_languages_that_join_meanwhile_are_in_the_manifest_and_a_failure_is_a_warning(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[dict[str, Any]] = []

    def joined(tables: Tables) -> dict[str, dict[str, Any]]:
        reads.append(stored_languages(tables) | (OTHER if reads else {}))
        return reads[-1]

    monkeypatch.setattr(write_metadata, "stored_languages", joined)
    overview = tmp_path / "manifest.json"
    written = write(spark, f"file://{tmp_path}")  # a local path, written as a URL
    assert written.warnings == []
    digest = overall_digest({"en": "a0", "vi": "0f"})
    expected = {"metadata_digest": digest, "languages": OTHER | {"en": {"metadata_digest": "a0", "entries": 2}}}
    assert json.loads(overview.read_text()) == expected
    assert read_list(tmp_path / "en" / "entries.txt") == TEXTS

    def failing(tables: Tables) -> dict[str, dict[str, Any]]:
        reads.append(stored_languages(tables))
        if reads[-1]["en"]["metadata_digest"] == "a1":
            raise TableError("the table cannot be read")
        return reads[-1]

    monkeypatch.setattr(write_metadata, "stored_languages", failing)
    entries = merge([Source("titles", [])], official=["a\nb"]).entries
    written = MetadataTarget(spark, str(tmp_path), "en").write(entries, digest="a1", manifest={}, report={})
    assert len(written.warnings) == 1
    assert (
        "manifest.json may lack languages that were built at the same time: the table cannot be" in written.warnings[0]
    )
    assert json.loads(overview.read_text())["languages"] == {"en": {"metadata_digest": "a1", "entries": 1}}
    assert sorted(written.files) == ["entries.mcs", "manifest.json", "metadata.json", "report.json", "table"]
    assert not (tmp_path / "en" / "entries.txt").exists()
