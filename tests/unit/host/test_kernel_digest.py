"""The digest of a kernel covers every module of the package that the kernel imports."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from metaclip_spark.host.kernel_digest import sources

if TYPE_CHECKING:
    from pathlib import Path


def test_digest_follows_imports() -> None:
    kernels = "metaclip_spark.core.matching.tokens.match_rows"
    found = set(sources(kernels))
    steps = {f"metaclip_spark.core.matching.tokens.{part}" for part in ("split_words", "look_up", "sort_ids")}
    assert steps | {"metaclip_spark.core.word_hashing", "metaclip_spark.core.intrinsics"} < found
    assert "metaclip_spark.core.matching.artifact" not in found


IMPORTS = {
    "a name of a module": "from metaclip_spark.core.spacing import PUNCTUATION",
    "a module": "import metaclip_spark.core.spacing",
    "a module under another name": "import os, metaclip_spark.core.spacing as s",
    "a module from its package": "from metaclip_spark.core import spacing",
    "several lines": "from metaclip_spark.core import (\n    counting,\n    spacing as s,\n)",
    "inside a function": "def f():\n    from metaclip_spark.core.spacing import PUNCTUATION",
    "relative to the module": "from .spacing import PUNCTUATION",
    "relative to the package": "from . import spacing",
    "a module from a nested package": "from metaclip_spark.core.matching.tokens import split_words",
}


@pytest.mark.parametrize("source", IMPORTS.values(), ids=IMPORTS)
def test_digest_follows_every_form_of_import(
    source: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "metaclip_spark"
    shutil.copytree(repository / "metaclip_spark", copy)
    (copy / "core" / "probe.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr("metaclip_spark.core.__path__", [str(copy / "core")])
    assert "metaclip_spark.core.spacing" in sources("metaclip_spark.core.probe")
