"""Tests that the commands of the audit guide print what the guide shows."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

import metaclip_spark
from metaclip_spark.cli import main

pytestmark = pytest.mark.spark

GUIDE = Path(next(iter(metaclip_spark.__path__))) / "audit" / "GUIDE.md"


def pattern(shown: str) -> str:
    """Return the regular expression of an output in the guide, in which a line of dots stands for any lines."""
    return "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown.splitlines())


@pytest.mark.usefixtures("spark")
def test_every_command_prints_what_the_guide_shows(
    example_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(example_root, tmp_path / "quickstart" / "tables")
    blocks = re.findall(r"```console\n\$ metaclip-spark (.*)\n((?:.*\n)*?)```", GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 6
    for command, shown in blocks:
        capsys.readouterr()
        assert main(shlex.split(command)) == 0, command
        printed = capsys.readouterr().out
        assert re.fullmatch(pattern(shown), printed), f"{command}\n{printed}"
