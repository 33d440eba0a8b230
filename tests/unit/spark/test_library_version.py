"""Functions sent to workers: only the same library loads them; any other raises our error before it can fail."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import metaclip_spark
from metaclip_spark.core.spacing import space_caption
from metaclip_spark.spark.library_version import library_identity, require_same_library

cloudpickle = pytest.importorskip("pyspark.cloudpickle")

SPACED = "spaced:" + space_caption(b"a b").decode()
LOAD = """
import pickle, sys
{before}
print(pickle.load(open({file!r}, "rb"))("a b"))
"""


def sent() -> bytes:
    prefix = "spaced:"

    def function(text: str) -> str:
        return prefix + space_caption(text.encode()).decode()

    return bytes(cloudpickle.dumps(require_same_library(function)))


def load(before: str, folder: Path) -> str:
    """Return the output of a process that runs some code before it loads and calls the function."""
    file = folder / "function.pickle"
    file.write_bytes(sent())
    script = LOAD.format(before=before, file=str(file))
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def load_with(library: Path, folder: Path) -> str:
    return load(f"sys.path.insert(0, {str(library.parent)!r})", folder)


def copied(folder: Path) -> Path:
    own = Path(metaclip_spark.__file__).parent
    shutil.copytree(own, folder / "other" / own.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "other" / own.name


def test_the_same_library_loads_the_function(tmp_path: Path) -> None:
    assert pickle.loads(sent())("a b") == SPACED
    assert load_with(copied(tmp_path), tmp_path) == SPACED + "\n"


def test_another_library_lacks_names_of_the_function(tmp_path: Path) -> None:
    library = copied(tmp_path)
    (library / "core" / "spacing.py").unlink()
    said = load_with(library, tmp_path)
    assert "metaclip_spark.errors.EnvironmentProblemError: The driver runs metaclip_spark " in said
    assert f"{library_identity()}, but this worker runs {metaclip_spark.__version__} (sources " in said


def test_no_library(tmp_path: Path) -> None:
    said = load("sys.modules['metaclip_spark'] = None", tmp_path)
    assert f"The driver runs metaclip_spark {library_identity()}, but this worker runs none, or" in said
