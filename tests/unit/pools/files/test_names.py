"""Names of files and folders: bases of partition folders, suffixes, hidden names."""

from __future__ import annotations

import re

import pytest

from metaclip_spark.errors import InputError
from metaclip_spark.pools.files.left_out import is_hidden
from metaclip_spark.pools.files.partition_folders import base_of, common_base, literal
from metaclip_spark.pools.files.suffixes import SUFFIX, format_of, other_suffixes, own_suffixes

BASES = {
    "/p": None,
    "/p/a.parquet": None,
    "/p/k=1": "/p",
    "/p/k=1/": "/p",
    "/p/k=1/l=2/a.parquet": "/p",
    "/p/k=1/part-0": None,  # a folder, for all that its name tells
    "/k=1": "/",
    "/k=1/p": None,
    "/k=1/p/*.csv": "/k=1/p",
    "/p/*": "/p",
    "/p/*/l=2": "/p",
    "/p/*/q/k=1": "/p",
    "/p/{a,b}/*": "/p",
    "/p/k=[12]/l=*/a?.parquet": "/p",
    r"/p/\[a\]": None,
    "s3a://bucket/p/k=1": "s3a://bucket/p",
    "s3a://bucket/p/k=1/*": "s3a://bucket/p",
}


@pytest.mark.parametrize(("path", "base"), BASES.items())
def test_base(path: str, base: str | None) -> None:
    assert base_of(path) == base
    assert common_base((path, path)) == base


@pytest.mark.parametrize(
    "paths", [("/p/k=1", "/q/k=1"), ("/p/k=1", "/q"), ("/q/a.parquet", "/p/k=1/a.parquet"), ("/p/k=*", "/q/*")]
)
def test_several_bases(paths: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="leads into the partition folders of /p"):
        common_base(paths)


@pytest.mark.parametrize("paths", [("/p", "/q"), ("/p/*.csv", "/q/*.csv"), ("/p", "/q/*")])
def test_bases_without_partitions(paths: tuple[str, ...]) -> None:
    assert common_base(paths) is None


def test_literal_names() -> None:
    assert literal(r"/p/\{a\}\,\\") == "/p/{a},\\"


@pytest.mark.parametrize("form", ["parquet", "csv", "tsv", "json"])
def test_no_suffix_is_both_of_the_format_and_of_another_kind(form: str) -> None:
    own, others = own_suffixes(form), other_suffixes(form)
    assert not {*own} & {*others}
    assert len({*others}) == len(others)
    assert {format_of(suffix) for suffix in own} == {form}
    for suffix in (*own, *others):
        found = re.search(SUFFIX, f"file:/p.csv/a.b.{suffix.upper()}")
        assert found is not None
        assert found.group(1).lower() == suffix


@pytest.mark.parametrize("name", ["part-0", "a.b-c", "a.", "a.csv/b"])
def test_names_without_a_suffix(name: str) -> None:
    assert re.search(SUFFIX, name) is None


def test_hidden_names() -> None:
    names = ["_a", ".a", "_a=1", "a._COPYING_", "a_", "_metadata.json", "a.b"]
    assert [is_hidden(name) for name in names] == [True, True, False, True, False, True, False]
