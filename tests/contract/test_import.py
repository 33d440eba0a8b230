"""Imports load nothing heavy, and the core loads on a machine without Spark."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import metaclip_spark

NO_SPARK = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pyspark", "delta", "py4j"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)


def modules_of(package: str) -> list[str]:
    folder = Path(next(iter(metaclip_spark.__path__)))
    names = []
    for path in sorted((folder / package).rglob("*.py")):
        parts = ["metaclip_spark", *path.relative_to(folder).with_suffix("").parts]
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = run("import sys, metaclip_spark; print(*{'pyspark', 'numba', 'pyarrow', 'numpy'} & set(sys.modules))")
    assert loaded.stdout.strip() == "", loaded.stderr


def test_core_command_line_and_example_load_without_spark() -> None:
    modules = ["metaclip_spark.cli", *modules_of("core"), *modules_of("example"), *modules_of("host")]
    script = f"{NO_SPARK}\nimport importlib\nfor name in {modules}: importlib.import_module(name)\nprint('loaded')"
    outcome = run(script)
    assert outcome.stdout.strip() == "loaded", outcome.stderr


def test_no_import_writes_or_configures_logging() -> None:
    script = "import logging, metaclip_spark.cli; print(len(logging.getLogger().handlers))"
    assert run(script).stdout.strip() == "0"
