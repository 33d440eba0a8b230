"""The kernel cache: found by later processes, shared by those that start together; user functions keep theirs."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numba
import numpy as np
import pytest

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host import kernel_cache
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.host.kernel_digest import kernel_digest

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """
import sys
import numpy as np
from metaclip_spark.host import kernel_cache

@kernel_cache.kernel
def twice(values):
    total = 0
    for i in range(len(values)):
        total += 2 * values[i]
    return total

sys.stdin.readline()
assert twice(kernel_cache.read_only(np.arange(5))) == 20
print(sum(twice.dispatcher.stats.cache_hits.values()), sum(twice.dispatcher.stats.cache_misses.values()))
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


def test_worker_processes_that_start_together_compile_once(workers) -> None:  # noqa: ANN001
    processes = [workers() for _ in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = sorted(tuple(map(int, process.communicate()[0].split())) for process in processes)
    assert outcomes == [(0, 1), (1, 0), (1, 0)]  # (hits, misses)
    later = workers()
    assert later.communicate("go\n")[0].split() == ["1", "0"]


def test_importing_a_kernel_makes_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    kernel_cache.kernel(lambda: 7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", ["", "UserProvidedCacheLocator"])
def test_user_functions_keep_their_cache(setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is restored, and a user function of another thread, compiled meanwhile, finds its own locator."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "ours"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "theirs"))
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", setting)

    def seven() -> int:
        return 7

    assert kernel_cache.kernel(seven)() == 7
    assert setting == numba.config.CACHE_LOCATOR_CLASSES

    with kernel_cache.first_locator("metaclip_spark.host.kernel_cache._HostCacheLocator"):
        user_function = numba.njit(cache=True)(lambda: 8)
    assert user_function() == 8
    assert user_function.stats.cache_path.startswith(str(tmp_path / "theirs"))


def test_failed_compilation_releases_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @kernel_cache.kernel
    def broken(value: int) -> int:
        return value.no_such_attribute

    with pytest.raises(numba.TypingError):
        broken(1)
    (lock,) = tmp_path.rglob("*.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_full_disk_costs_the_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @kernel_cache.kernel
    def nothing() -> int:
        return 8

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    assert nothing() == 8
    assert not list(tmp_path.rglob("*.nbi"))


def test_kernels_of_old_versions_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    kernels = tmp_path / "kernels"
    month = 31 * 86_400
    for name, age in (("0" * 20, month), ("1" * 20, 0), ("mine", month)):
        (kernels / name).mkdir(parents=True)
        (kernels / name / "x.nbi").touch()
        os.utime(kernels / name, (time.time() - age,) * 2)
    kernels.chmod(0o700)

    @kernel_cache.kernel
    def nothing() -> int:
        return 9

    assert nothing() == 9
    assert {path.name for path in kernels.iterdir()} == {"1" * 20, "mine", kernel_digest(__name__)}


@pytest.mark.parametrize("folder", ["kernels", f"kernels/{kernel_digest(__name__)}"])
def test_directory_that_others_can_write_to_is_refused(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    (tmp_path / folder).mkdir(parents=True, mode=0o700)
    (tmp_path / "kernels").chmod(0o700)
    (tmp_path / folder).chmod(0o770)

    @kernel_cache.kernel
    def nothing() -> int:
        return 10

    with pytest.raises(EnvironmentProblemError, match=f"{folder} is a directory of user .* with mode 770"):
        nothing()


def test_lean_kernels_count_no_references_and_may_not_allocate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    @kernel_cache.lean_step
    def add(values, i):  # noqa: ANN001, ANN202 - compiled
        values[i] += i

    @kernel_cache.lean_kernel
    def add_places(values):  # noqa: ANN001, ANN202
        for i in range(len(values)):
            add(values, i)

    @kernel_cache.lean_kernel
    def sum_of_copy(values):  # noqa: ANN001, ANN202
        return values.copy().sum()

    values = np.ones(3, np.int64)
    add_places(values)
    assert values.tolist() == [1, 2, 3]
    assert "NRT_incref" not in add_places.dispatcher.inspect_llvm(add_places.dispatcher.signatures[0])
    with pytest.raises(numba.core.errors.NumbaError, match="NRT"):
        sum_of_copy(values)


def test_read_only_is_one_type() -> None:
    arrays = [np.zeros(3), np.zeros((3, 2))[:, 0], np.frombuffer(bytes(24))]
    assert {str(numba.typeof(kernel_cache.read_only(array))) for array in arrays} == {"readonly array(float64, 1d, C)"}
