"""The embedded example: its files, and the script that makes them from WordNet 3.0."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from metaclip_spark import example
from metaclip_spark.example import from_wordnet

if TYPE_CHECKING:
    from pathlib import Path


def entries() -> list[str]:
    return gzip.decompress(example.metadata_path().read_bytes()).decode().splitlines()


def test_metadata_is_the_papers_wordnet_share() -> None:
    names = entries()
    assert len(names) == len(set(names)) == from_wordnet.WORDNET_3_0_ENTRIES == 86_654
    assert names[:100] == [str(number) for number in range(100)]
    assert "" not in names


def test_pool_has_unique_images_and_no_empty_caption() -> None:
    pool = example.pool_table()
    assert pool.num_rows == 48_223
    assert pool.column_names == ["image_url", "text", "synset"]
    assert len(set(pool["image_url"].to_pylist())) == pool.num_rows
    assert all(pool["text"].to_pylist())


def test_pool_is_written_whole(tmp_path: Path) -> None:
    assert pq.read_table(example.write_pool(tmp_path / "pool")).equals(example.pool_table())


def test_small_enough_to_ship() -> None:
    folder = example.metadata_path().parent
    assert sum(path.stat().st_size for path in folder.glob("*.gz")) < 2_000_000


@pytest.fixture(scope="module")
def wordnet(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wordnet")
    zipfile.ZipFile(shared_data / "wordnet" / "wordnet.zip").extractall(folder)
    return folder / "wordnet"


def test_made_again_from_wordnet(wordnet: Path, tmp_path: Path) -> None:
    from_wordnet.write_example(wordnet, tmp_path)
    shipped = example.metadata_path().parent
    for name in (from_wordnet.NAMES_FILE, from_wordnet.SENTENCES_FILE):
        # The text, not the bytes: another zlib may compress otherwise.
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((shipped / name).read_bytes())


def test_another_edition_is_refused(tmp_path: Path) -> None:
    for part in from_wordnet.PARTS_OF_SPEECH:
        (tmp_path / f"data.{part}").write_text('00001740 03 n 01 entity 0 000 | that which is; "it is"\n')
    with pytest.raises(SystemExit, match="Pass a folder of WordNet 3"):
        from_wordnet.write_example(tmp_path, tmp_path)
