"""Places are resolved once: names of the catalog by one syntax, paths without the working directory."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.metadata import MetadataSources
from metaclip_spark.config.pool import Pool
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import absolute, catalog_name, is_inside, is_table_name, name_parts, resolved

NAMES = {
    "main.crawl": ("main", "crawl"),
    "a.b.c": ("a", "b", "c"),
    "`my-cat`.crawl": ("my-cat", "crawl"),
    "`main`.crawl.`2024-51`": ("main", "crawl", "2024-51"),
    "`a.b`.`c``d`": ("a.b", "c`d"),
    "kategorie.straße": ("kategorie", "straße"),
    "目录.数据": ("目录", "数据"),
}
NO_NAMES = [
    "crawl",
    "a.b.c.d",
    "./a.b",
    "/a.b",
    "a..b",
    ".a",
    "a.",
    "s3a://a.b",
    "`a",
    "`a`",
    "a`b.c",
    "my-cat.crawl",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_catalog(name: str) -> None:
    parts = name_parts(name)
    assert parts == NAMES[name]
    assert is_table_name(name)
    assert name_parts(catalog_name(*parts)) == parts
    assert resolved(resolved(name)) == resolved(name) == catalog_name(*parts)


@pytest.mark.parametrize("place", NO_NAMES)
def test_no_name_of_the_catalog(place: str) -> None:
    assert name_parts(place) is None


@pytest.mark.parametrize(
    "place",
    ["my-cat.crawl", "my-cat.crawl.pairs", "main.crawl-2024", "`my-cat`", "`a`.b.c.d", "a`b.c", "`", "pool-1.v2"],
)
def test_a_place_that_can_be_two_things_is_refused(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="can be a folder or a name in the catalog") as caught:
        resolved(place)
    with pytest.raises(ConfigError, match="can be a folder or a name in the catalog"):
        Pool(paths=place, format="delta")
    with pytest.raises(ConfigError, match="can be a folder or a name in the catalog"):
        CurateConfig(counts=place)
    as_folder = shlex.split(str(caught.value).partition("Write ")[2].partition(" for a folder")[0])
    assert [resolved(one) for one in as_folder] == [str(tmp_path / place)], "the printed remedy works"
    (tmp_path / place).mkdir()
    assert resolved(place) == str(tmp_path / place), "what exists is a folder"


def test_the_printed_name_is_a_name() -> None:
    with pytest.raises(ConfigError) as caught:
        resolved("my-cat.crawl")
    printed = shlex.split(str(caught.value).partition(", or ")[2].partition(" for the catalog")[0])
    assert [name_parts(one) for one in printed] == [("my-cat", "crawl")]


@pytest.mark.parametrize("place", ["s3a:bucket/x", "file:x", "hdfs:", "dbfs:x/y", "gs:b"])
def test_a_scheme_without_a_slash(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="has a scheme without a slash"):
        absolute(place)
    with pytest.raises(ConfigError, match="has a scheme without a slash"):
        Pool(paths=place)
    assert absolute(f"./{place}") == str(tmp_path / place)


def test_no_path_has_a_nul_character() -> None:
    with pytest.raises(ConfigError, match=r"'a\\x00b' contains a NUL character"):
        Pool(paths="a\0b")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("~", "{home}"),
        ("~/pool", "{home}/pool"),
        ("~nobody-of-this-name/x", "{here}/~nobody-of-this-name/x"),
        ("pool", "{here}/pool"),
        ("./a.b", "{here}/a.b"),
        ("a b/ü", "{here}/a b/ü"),
        ("/x/~/y", "/x/~/y"),
        ("s3a://b/~/x", "s3a://b/~/x"),
        ("file:///x", "file:///x"),
        ("*.parquet", "{here}/*.parquet"),
    ],
)
def test_paths(place: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = expected.format(home=tmp_path, here=tmp_path / "here")
    config, sources = CurateConfig(counts=place), MetadataSources(dump=(place,), official=place, nltk_data=place)
    pools = [Pool(paths=place), Pool(paths=[place], format="delta")]
    os.chdir(tmp_path)
    assert [pool.paths for pool in pools] == [(expected,)] * 2
    assert (config.counts, sources.dump, sources.official, sources.nltk_data) == (
        expected,
        (expected,),
        expected,
        expected,
    )


def test_a_version_of_counts_is_no_part_of_a_name() -> None:
    version = "0" * 32
    assert CurateConfig(counts=f"`main`.crawl@{version}").counts == f"main.crawl@{version}"


@pytest.mark.parametrize(
    ("place", "folder", "inside"),
    [
        ("real/out", "link", True),
        ("link/out", "real", True),
        ("link/deep/../out", "real", True),
        ("real", "real", True),
        ("real-2/out", "real", False),
        ("out", "real", False),
        ("dangling/out", "absent", True),
        ("real/out", "re*", True),
        ("link/out", "r?al", True),
        ("other/out", "{real,other}", True),
        ("other/out", "{real,link}", False),
        ("b/out", "[a-c]", True),
        ("d/out", "[a-c]", False),
        ("x*y/out", r"x\*y", True),
        ("xzy/out", r"x\*y", False),
        ("real/out", "[", False),
    ],
)
def test_inside(place: str, folder: str, inside: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("real").mkdir()
    Path("link").symlink_to("real")
    Path("dangling").symlink_to("absent")
    assert is_inside(place, folder) is inside
    assert is_inside(f"file://{tmp_path}/{place}", folder) is inside
