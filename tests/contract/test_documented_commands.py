"""Every command that the documentation shows has valid options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from metaclip_spark.cli.parser import build_parser

ROOT = Path(__file__).resolve().parent.parent.parent
_BLOCK = re.compile(r"^ *```(?:bash|console)\n((?:.*\n)*?) *```", re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Return the commands of the page's code blocks, each as one line without the name of the program."""
    lines = "\n".join(_BLOCK.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ").splitlines()
    named = [line.strip().removeprefix("$ ") for line in lines]
    return [line.removeprefix("metaclip-spark ") for line in named if line.startswith("metaclip-spark ")]


PAGES = sorted(
    page for page in ROOT.rglob("*.md") if not {".venv", "node_modules"} & set(page.parts) and commands(page)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_of_commands_are_valid(page: Path) -> None:
    for command in commands(page):
        build_parser().parse_args(shlex.split(command, comments=True))
