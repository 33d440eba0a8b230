"""Fixtures of the tests on Spark."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from pools import ENTRIES, made_up_table, pool_at, write_files

from metaclip_spark.core.matching.compile_metadata import compile_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@pytest.fixture(scope="session")
def metadata() -> CompiledMetadata:
    """Made-up metadata."""
    return compile_metadata(ENTRIES)


@pytest.fixture(scope="session")
def small_pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """2,000 made-up rows in two files."""
    return pool_at(write_files(made_up_table(2_000), tmp_path_factory.mktemp("small") / "pool", files=2))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a small disk: a function of its size in bytes."""
    folder = tmp_path / "disk"

    def of_size(size: int) -> Path:
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a small disk")
        return folder

    yield of_size
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def change_settings(spark: SparkSession) -> Iterator[Callable[[dict[str, str]], None]]:
    """Change settings of the session until the end of the test: a function of the new settings."""
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


@pytest.fixture
def default_store(change_settings: Callable[[dict[str, str]], None]) -> Callable[[dict[str, Path | str]], str]:
    """Replace the default file system by viewfs, which maps names to folders: a function of these, returns the address.

    Each has another name, because Hadoop caches a file system with its folders by its address.
    """

    def of_folders(folders: dict[str, Path | str]) -> str:
        name = f"store-{uuid4().hex}"
        links = {f"fs.viewfs.mounttable.{name}.link./{path}": f"file://{folder}" for path, folder in folders.items()}
        change_settings({"fs.defaultFS": f"viewfs://{name}/", **links})
        return f"viewfs://{name}"

    return of_folders
