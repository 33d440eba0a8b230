"""Sizes, names and places of the source. A file or function that exceeds a limit is to be split, not exempted."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_LINES = 300
FUNCTION_LINES = 60
FOLDER_MODULES = 15
DEPLOYMENT = "deployment"  # tests of jobs/, docker/ and notebooks/, which have no folder in the package
EMPTY_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "tools", "stuff"}
TOP_LEVEL = {
    "LICENSE",
    "NOTICE",
    "README.md",
    "conf",
    "docker",
    "jobs",
    "metaclip_spark",
    "notebooks",
    "pyproject.toml",
    "tests",
}
PRODUCED = {
    "artifacts",
    "build",
    "dist",
    "metastore_db",
    "spark-warehouse",
    "derby.log",
    "quickstart",
}  # named in .gitignore


def sources(repository: Path) -> Iterator[Path]:
    for folder in ("metaclip_spark", "jobs", "tests"):
        yield from sorted((repository / folder).rglob("*.py"))


def test_files_are_short(repository: Path) -> None:
    lines = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(repository)}
    assert {path: count for path, count in lines.items() if count > FILE_LINES} == {}


def code_lines(function: ast.FunctionDef) -> int:
    """Return the number of lines from `def` to the end without the docstring, which may have any length."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_functions_are_short(repository: Path) -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": code_lines(node)
        for path in sources(repository)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and code_lines(node) > FUNCTION_LINES
    }
    assert long == {}


def test_names_say_what_is_inside(repository: Path) -> None:
    empty = [str(p) for p in sources(repository) if EMPTY_NAMES & {p.stem, *p.relative_to(repository).parts}]
    assert empty == []


def test_top_level_is_the_agreed_one(repository: Path) -> None:
    found = {path.name for path in repository.iterdir() if not path.name.startswith(".")}
    assert found - PRODUCED - TOP_LEVEL == set()


def test_folders_are_small(repository: Path) -> None:
    package = repository / "metaclip_spark"
    folders = [path.parent for path in sources(repository) if package in path.parents and path.name != "__init__.py"]
    assert {str(folder): folders.count(folder) for folder in folders if folders.count(folder) > FOLDER_MODULES} == {}


@pytest.mark.parametrize("tests", ["tests/unit", "tests/spark"])
def test_tests_mirror_the_package(repository: Path, tests: str) -> None:
    folders = {path.parent.relative_to(repository / tests) for path in (repository / tests).rglob("test_*.py")}
    elsewhere = {str(folder) for folder in folders if not (repository / "metaclip_spark" / folder).is_dir()}
    assert elsewhere - {DEPLOYMENT} == set()
