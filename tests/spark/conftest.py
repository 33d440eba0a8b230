"""Fixtures of the tests that start a JVM."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from pools import ENTRIES, made_up_table, pool_at, write_files

from metaclip_spark import example
from metaclip_spark.config import CurateConfig, Pool, PoolColumns
from metaclip_spark.core.matching.tables import compile_metadata
from metaclip_spark.stages.curate import curate
from metaclip_spark.storage.metadata_source import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.tables import CompiledMetadata


# Programs for environments of their own, with packages that are none of this one's.
collect_ignore = ["dag_run.py", "load_bundle.py"]


@pytest.fixture(scope="session")
def metadata() -> CompiledMetadata:
    """The made-up entry list."""
    return compile_metadata(ENTRIES)


@pytest.fixture(scope="session")
def small_pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """2,000 made-up rows in two files."""
    return pool_at(write_files(made_up_table(2_000), tmp_path_factory.mktemp("small") / "pool", files=2))


@pytest.fixture(scope="session")
def example_metadata() -> CompiledMetadata:
    """WordNet's names, as the quickstart compiles them."""
    return read_metadata(example.metadata_path())


@pytest.fixture(scope="session")
def example_root(
    spark: SparkSession, example_metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The embedded example, curated; its pool stands beside the tables. To be read only."""
    folder = tmp_path_factory.mktemp("example")
    pool = Pool(paths=(str(example.write_pool(folder / "pool")),), columns=PoolColumns(image_url="image_url"))
    curate(spark, pool, example_metadata, str(folder / "tables"), CurateConfig(t=example.T))
    return str(folder / "tables")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def change_settings(spark: SparkSession) -> Iterator[Callable[[dict[str, str]], None]]:
    """Changes settings of the session until the end of the test."""
    before: dict[str, str | None] = {}

    def change(settings: dict[str, str]) -> None:
        for key, value in settings.items():
            before.setdefault(key, spark.conf.get(key, None))
            spark.conf.set(key, value)

    yield change
    for key, value in before.items():
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
