"""Fixtures for all tests: the Spark session, the curated example, the optional development data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from metaclip_spark import example
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.curation.curate import curate
from metaclip_spark.metadata.read_metadata import read_metadata
from metaclip_spark.spark.session import build_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata

# No deadline, because the first example may compile a kernel for seconds. CI draws the same examples in every run.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the source tree. Tests that need it are skipped if only the wheel and the tests are present."""
    if not (REPOSITORY / "pyproject.toml").is_file() or not (REPOSITORY / "metaclip_spark").is_dir():
        pytest.skip("needs the source tree")
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Development data that cannot be redistributed: METACLIP_SPARK_TEST_DATA, by default ../shared/data."""
    named = os.environ.get("METACLIP_SPARK_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set METACLIP_SPARK_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Local session with Delta, shared by all tests of a process."""
    warehouse = tmp_path_factory.mktemp("warehouse")
    session = build_session(
        master="local[2]",
        app_name="metaclip-spark tests",
        settings={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(warehouse),
            "spark.driver.memory": "2g",
            # Code generation takes a quarter of the CPU time of a short run. The tests of the quickstart, the command
            # line and clusters start sessions with Spark's own settings.
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        },
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def example_metadata() -> CompiledMetadata:
    """WordNet's names, compiled as by the quickstart."""
    return read_metadata(example.metadata_path())


@pytest.fixture(scope="session")
def example_root(
    spark: SparkSession, example_metadata: CompiledMetadata, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Tables of the curated example, beside its `pool`. Tests may only read them."""
    folder = tmp_path_factory.mktemp("example")
    pool = Pool(paths=(str(example.write_pool(folder / "pool")),), columns=PoolColumns(image_url="image_url"))
    curate(spark, pool, example_metadata, str(folder / "tables"), CurateConfig(t=example.T))
    return str(folder / "tables")
