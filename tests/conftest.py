"""Fixtures for every test: the Spark session, the optional development data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from metaclip_spark.spark.session import build_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

# The first example of a kernel may compile for seconds: that is no reason to fail. In CI the same examples every time.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The source tree; tests that need it are skipped where only the wheel and the tests are there."""
    if not (REPOSITORY / "pyproject.toml").is_file() or not (REPOSITORY / "metaclip_spark").is_dir():
        pytest.skip("needs the source tree")
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Development data that may not be shipped: METACLIP_SPARK_TEST_DATA, else ../shared/data beside the repository."""
    named = os.environ.get("METACLIP_SPARK_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set METACLIP_SPARK_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One local session with Delta for all tests."""
    warehouse = tmp_path_factory.mktemp("warehouse")
    session = build_session(
        master="local[2]",
        app_name="metaclip-spark tests",
        settings={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(warehouse),
            "spark.driver.memory": "2g",
            # Generating code is a quarter of the CPU time of a short run. The tests of the quickstart, the command line
            # and of clusters start sessions as users do.
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        },
    )
    yield session
    session.stop()
