"""Contents of an installed package: licences, data, type marker, command."""

from __future__ import annotations

from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import metaclip_spark

PACKAGE = Path(next(iter(metaclip_spark.__path__)))
CARRIED = [
    "py.typed",
    "example/LICENSE.wordnet",
    "example/wordnet_names.txt.gz",
    "example/wordnet_sentences.tsv.gz",
    "core/matching/DESIGN.md",
    "exports/GUIDE.md",
]


@pytest.mark.parametrize("file", CARRIED)
def test_package_carries(file: str) -> None:
    assert (PACKAGE / file).is_file()


def test_version_is_one() -> None:
    assert distribution("metaclip-spark").version == metaclip_spark.__version__


def test_spark_is_an_extra() -> None:
    requirements = [Requirement(line) for line in distribution("metaclip-spark").requires or []]
    always = {requirement.name for requirement in requirements if requirement.marker is None}
    local = {r.name for r in requirements if r.marker is not None and r.marker.evaluate({"extra": "local"})}
    assert always == {"numba", "numpy", "pandas", "pyarrow"}
    assert local == {"pyspark", "delta-spark"}


def test_licences_are_declared() -> None:
    metadata = distribution("metaclip-spark").metadata
    assert metadata["License-Expression"] == "Apache-2.0 AND LicenseRef-WordNet-3.0"
    licences = {"LICENSE", "NOTICE", "metaclip_spark/example/LICENSE.wordnet"}
    assert licences <= set(metadata.get_all("License-File"))


def test_command_is_installed() -> None:
    assert [script.value for script in entry_points(group="console_scripts", name="metaclip-spark")] == [
        "metaclip_spark.cli:main",
    ]
