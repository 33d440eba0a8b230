"""Options and commands that messages of the package print exist."""

from __future__ import annotations

import ast
import re
from argparse import _SubParsersAction
from typing import TYPE_CHECKING

from metaclip_spark.cli.parser import build_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator
    from pathlib import Path

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_COMMAND = re.compile(r"metaclip-spark ((?:[a-z]+ )?[a-z]+)")
OF_OTHERS = {
    "--add-modules",  # java
    "--conf",  # spark-submit
    "--packages",
    "--repo-type",  # hf download
    "--local-dir",
}


def parsers(parser: ArgumentParser, name: str = "") -> Iterator[tuple[str, ArgumentParser]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for word, below in action.choices.items():
                yield from parsers(below, f"{name} {word}".strip())


def texts(repository: Path) -> Iterator[str]:
    """Yield the strings of the package that are no docstrings; those of one f-string together."""
    for path in sorted((repository / "metaclip_spark").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                yield node.value
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


def test_printed_options_exist(repository: Path) -> None:
    known = {option for _, parser in parsers(build_parser()) for option in parser._option_string_actions}
    printed = {option for text in texts(repository) for option in _OPTION.findall(text)}
    assert printed - known - OF_OTHERS == set()
    assert len(printed) > 30


def test_printed_commands_exist(repository: Path) -> None:
    known = {name for name, _ in parsers(build_parser())}
    printed = {command for text in texts(repository) for command in _COMMAND.findall(text)}
    assert {name for name in printed if name not in known and name.partition(" ")[0] not in known} == set()
    assert "compile" in printed
