"""The kernel cache: found by the next process, shared by those that start together; the user's code keeps its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from metaclip_spark.core import jit
from metaclip_spark.errors import EnvironmentProblemError

TWICE = """
import sys
import numpy as np
from metaclip_spark.core import jit

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
    environment = {**os.environ, jit.CACHE_VARIABLE: str(tmp_path / "cache")}

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
    kernels = "metaclip_spark.core.matching.kernels"
    sources = jit._sources(kernels)
    assert {f"{kernels}_{part}" for part in ("hash", "scan", "walk", "emit")} < set(sources)
    assert "metaclip_spark.core.matching.intrinsics" in sources
    assert "metaclip_spark.core.matching.artifact" not in sources


def test_cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jit.CACHE_VARIABLE, str(tmp_path / "named"))
    assert jit.cache_root() == str(tmp_path / "named")
    monkeypatch.delenv(jit.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert jit.cache_root() == str(tmp_path / "xdg" / "metaclip_spark")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # cannot be a directory
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert jit.cache_root() == str(tmp_path / "home" / ".cache" / "metaclip_spark")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert Path(jit.cache_root()).name.startswith("metaclip_spark-")


def test_machine_code_is_not_shared_with_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv(jit.CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(EnvironmentProblemError, match=f"{jit.CACHE_VARIABLE}={tmp_path} cannot be used"):
        jit.cache_root()


def test_read_only_is_one_type() -> None:
    arrays = [np.zeros(3), np.zeros((3, 2))[:, 0], np.frombuffer(bytes(24))]
    assert {str(numba.typeof(jit.read_only(array))) for array in arrays} == {"readonly array(float64, 1d, C)"}
