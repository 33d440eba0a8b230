"""Fixtures of the tests that start a JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pools import ENTRIES, made_up_table, pool_at, write_files

from metaclip_spark.core.matching.tables import compile_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.config import Pool
    from metaclip_spark.core.matching.tables import CompiledMetadata


@pytest.fixture(scope="session")
def metadata() -> CompiledMetadata:
    """The made-up entry list."""
    return compile_metadata(ENTRIES)


@pytest.fixture(scope="session")
def small_pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """2,000 made-up rows in two files."""
    return pool_at(write_files(made_up_table(2_000), tmp_path_factory.mktemp("small") / "pool", files=2))


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
