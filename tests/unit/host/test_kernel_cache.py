"""The kernel cache: found by the next process, shared by those that start together; the user's code keeps its own."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numba
import numpy as np
import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host import kernel_cache as jit
from metaclip_spark.host.cache_directory import CACHE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """
import sys
import numpy as np
from metaclip_spark.host import kernel_cache as jit

@jit.kernel
def twice(values):
    total = 0
    for i in range(len(values)):
        total += 2 * values[i]
    return total

sys.stdin.readline()
assert twice(jit.read_only(np.arange(5))) == 20
print(sum(twice.stats.cache_hits.values()), sum(twice.stats.cache_misses.values()))
"""


@pytest.fixture
def workers(tmp_path: Path):  # noqa: ANN201 - a function that starts a process
    module = tmp_path / "twice.py"
    module.write_text(TWICE, encoding="utf-8")
    environment = {**os.environ, CACHE_VARIABLE: str(tmp_path / "cache")}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "import twice"],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


def test_workers_that_start_together_compile_once(workers) -> None:  # noqa: ANN001
    processes = [workers() for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = sorted(tuple(map(int, process.communicate()[0].split())) for process in processes)
    assert outcomes == [(0, 1), (1, 0), (1, 0)]  # (hits, misses)
    later = workers()
    assert later.communicate("go\n")[0].split() == ["1", "0"]


def test_user_functions_keep_their_cache() -> None:
    before = numba.config.CACHE_DIR

    @jit.kernel
    def nothing() -> int:
        return 7

    assert nothing() == 7
    assert before == numba.config.CACHE_DIR


def test_digest_follows_imports() -> None:
    kernels = "metaclip_spark.core.matching.tokens.match_rows"
    sources = jit._sources(kernels)
    steps = {f"metaclip_spark.core.matching.tokens.{part}" for part in ("split_words", "look_up", "sort_ids")}
    assert steps | {"metaclip_spark.core.word_hashing", "metaclip_spark.core.intrinsics"} < set(sources)
    assert "metaclip_spark.core.matching.artifact" not in sources


IMPORTS = {
    "a name of a module": "from metaclip_spark.core.spacing import PUNCTUATION",
    "a module": "import metaclip_spark.core.spacing",
    "a module under another name": "import os, metaclip_spark.core.spacing as s",
    "a module from its package": "from metaclip_spark.core import spacing",
    "several lines": "from metaclip_spark.core import (\n    counting,\n    spacing as s,\n)",
    "inside a function": "def f():\n    from metaclip_spark.core.spacing import PUNCTUATION",
    "relative to the module": "from .spacing import PUNCTUATION",
    "relative to the package": "from . import spacing",
    "of a package's own name": "from metaclip_spark.core.matching.tokens import split_words",  # through the intrinsics
}


@pytest.mark.parametrize("source", IMPORTS.values(), ids=IMPORTS)
def test_digest_follows_every_form_of_import(
    source: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "metaclip_spark"
    shutil.copytree(repository / "metaclip_spark", copy)
    (copy / "core" / "probe.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr("metaclip_spark.core.__path__", [str(copy / "core")])
    assert "metaclip_spark.core.spacing" in jit._sources("metaclip_spark.core.probe")


def test_a_kernel_that_does_not_compile_keeps_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @jit.kernel
    def broken(value: int) -> int:
        return value.no_such_attribute

    with pytest.raises(numba.TypingError):
        broken(1)
    (lock,) = tmp_path.rglob("*.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_full_disk_costs_the_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @jit.kernel
    def nothing() -> int:
        return 8

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    assert nothing() == 8
    assert not list(tmp_path.rglob("*.nbi"))


def test_kernels_of_versions_long_gone_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    kernels = tmp_path / "kernels"
    month = 31 * 86_400
    for name, age in (("0" * 20, month), ("1" * 20, 0), ("mine", month)):
        (kernels / name).mkdir(parents=True)
        (kernels / name / "x.nbi").touch()
        os.utime(kernels / name, (time.time() - age,) * 2)
    kernels.chmod(0o700)

    @jit.kernel
    def nothing() -> int:
        return 9

    assert nothing() == 9
    assert {path.name for path in kernels.iterdir()} == {"1" * 20, "mine", jit.kernel_digest(__name__)}


@pytest.mark.parametrize("folder", ["kernels", f"kernels/{jit.kernel_digest(__name__)}"])
def test_kernels_that_others_could_have_planted_are_refused(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    (tmp_path / folder).mkdir(parents=True, mode=0o700)
    (tmp_path / "kernels").chmod(0o700)
    (tmp_path / folder).chmod(0o770)

    @jit.kernel
    def nothing() -> int:
        return 10

    with pytest.raises(EnvironmentProblemError, match=f"{folder} is a directory of user .* with mode 770"):
        nothing()


def test_lean_kernels_count_no_references_and_may_not_allocate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @jit.lean_step
    def add(values, i):  # noqa: ANN001, ANN202 - compiled
        values[i] += i

    @jit.lean_kernel
    def add_places(values):  # noqa: ANN001, ANN202
        for i in range(len(values)):
            add(values, i)

    @jit.lean_kernel
    def sum_of_copy(values):  # noqa: ANN001, ANN202
        return values.copy().sum()

    values = np.ones(3, np.int64)
    add_places(values)
    assert values.tolist() == [1, 2, 3]
    assert "NRT_incref" not in add_places.inspect_llvm(add_places.signatures[0])
    with pytest.raises(numba.core.errors.NumbaError, match="NRT"):
        sum_of_copy(values)


def test_read_only_is_one_type() -> None:
    arrays = [np.zeros(3), np.zeros((3, 2))[:, 0], np.frombuffer(bytes(24))]
    assert {str(numba.typeof(jit.read_only(array))) for array in arrays} == {"readonly array(float64, 1d, C)"}
