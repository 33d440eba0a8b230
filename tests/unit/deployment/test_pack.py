"""jobs/pack.py up to the packing itself."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["environment.zip", "environment.tar", "environment"])
def test_archives_that_executors_cannot_use_are_refused(name: str, repository: Path, tmp_path: Path) -> None:
    pack = [sys.executable, "jobs/pack.py", "--output", str(tmp_path / name)]
    run = subprocess.run(pack, cwd=repository, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert name in run.stderr
    assert ".tar.gz" in run.stderr
    assert list(tmp_path.iterdir()) == []
