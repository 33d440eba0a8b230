"""What importing costs and needs: the core must load on a machine without Spark, and quickly."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", metaclip_spark.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(metaclip_spark, name).__doc__
    assert name in dir(metaclip_spark)


def test_typed_names_and_lazy_names_agree() -> None:
    source = ast.parse(Path(metaclip_spark.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in source.body if isinstance(node, ast.If))
    typed = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert typed == metaclip_spark._HOMES
    assert sorted(typed) == sorted(metaclip_spark.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = metaclip_spark.no_such_name
