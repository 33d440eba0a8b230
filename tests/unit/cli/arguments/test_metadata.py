"""`--metadata`: languages of the sources, also of the lists of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.metadata import each_list, metadata_sources

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_of_lists_is_each_of_its_lists(tmp_path: Path) -> None:
    for name in ("en.txt", "simple.json", "zh-yue.txt.gz"):
        (tmp_path / name).touch()
    given = metadata_sources([str(tmp_path), "de=german.txt", "simple=x.txt", f"ja={tmp_path}", "s3a://bucket/lists"])
    assert list(each_list(given)) == [
        ("en", f"{tmp_path}/en.txt"),
        ("simple", f"{tmp_path}/simple.json"),
        ("zh-yue", f"{tmp_path}/zh-yue.txt.gz"),
        ("de", "german.txt"),
        ("simple", "x.txt"),
        ("ja", str(tmp_path)),
        (None, "s3a://bucket/lists"),
    ]
