"""Examples of the guides: their commands print what is shown, and their Python code runs."""

from __future__ import annotations

import re
import shlex
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_spark.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

_BLOCK = re.compile(r"```(console|python)\n((?:.*\n)*?)```")


def run_guide(guide: Path, spark: SparkSession, *, paths: Sequence[str] = ()) -> int:
    """Run the `console` and `python` blocks of a guide in their order, in the current directory.

    The Python blocks share their variables; `spark` is the session.

    Args:
        guide: The guide, Markdown.
        spark: The session.
        paths: Relative paths in the guide to make absolute, because the directory of a running JVM cannot be changed.

    Returns:
        Number of blocks.
    """
    text = guide.read_text(encoding="utf-8")
    for path in paths:
        text = re.sub(rf"(?<=[ \"]){re.escape(path)}", str(Path(path).absolute()), text)
    blocks = _BLOCK.findall(text)
    variables = {"spark": spark}
    for kind, block in blocks:
        if kind == "python":
            exec(block, variables)
            continue
        command, _, shown = block.removeprefix("$ ").partition("\n")
        printed = _output(command)
        assert re.fullmatch(_pattern(shown), printed), f"{command}\n{printed}"
    return len(blocks)


def _output(command: str) -> str:
    program, *arguments = shlex.split(command)
    if program != "metaclip-spark":
        return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout
    with redirect_stdout(StringIO()) as printed:
        assert main(arguments) == 0, command
    return printed.getvalue()


def _pattern(shown: str) -> str:
    """Return the regular expression of an output in which three dots stand for any lines, or for a part of a line."""
    lines = (
        r"(?:.*\n)*?" if line == "..." else rf"{'.*'.join(map(re.escape, line.split('...')))}\n"
        for line in shown.splitlines()
    )
    return "".join(lines)
