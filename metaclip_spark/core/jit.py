"""Compile kernels once per host: `numba.njit` with a cache that is found again, and shared, by every worker process.

numba's own disk cache is missed, or trusted wrongly, in ways that matter on executors:

- it looks only at the file of the function itself, so a changed intrinsic or callee in another module runs stale;
- it lives beside the source or under a path derived from it, so each unpacked copy of the package (an executor's
  archive, a virtual environment per application) compiles again; older versions also compare modification times;
- it is keyed by types: a read-only array is another type than a writable one, int32 offsets than int64 ones;
- nothing stops the workers of a host, which start together, from each compiling the same kernel at the same time.

Here the directory is named by a digest of the kernel's module and all that it imports from this package, of the
versions of Python, numba and llvmlite, and of the CPU with its features; and a kernel that is not in it yet is compiled
under a file lock, so that the other workers wait and then load. The settings in `numba.config` are not changed: the
user's own functions keep their cache.
"""

# numba ships types for its decorators only
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import re
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.abc import ResourceLoader

    from numpy.typing import NDArray

    F = TypeVar("F", bound=Callable[..., Any])
    S = TypeVar("S", bound=np.generic)

CACHE_VARIABLE: Final = "METACLIP_SPARK_CACHE_DIR"
"""Environment variable that names the cache directory; set it where a worker's home is not writable or not local."""

_IMPORT: Final = re.compile(rb"^ *from (metaclip_spark\.core\.[\w.]+) import ", re.MULTILINE)

_LOCK_SECONDS: Final = 120.0
# The lock only saves work. A worker that dies keeps no lock (the kernel of the OS drops it), one that hangs does: after
# this time the others compile for themselves.


def cache_root() -> str:
    """The host's cache directory for compiled kernels and unpacked artifacts, created if absent.

    The first that can be created and written: $METACLIP_SPARK_CACHE_DIR; `metaclip_spark` under $XDG_CACHE_HOME or
    `~/.cache`; a directory of this user under the system's temporary directory. Compiled kernels are machine code, so
    the last is accepted only if it belongs to this user and nobody else may write to it.

    Returns:
        An absolute path, safe to share between processes of one user.

    Raises:
        EnvironmentProblemError: the variable names a directory that cannot be used.
    """
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        try:
            return _private_directory(Path(override))
        except OSError as error:
            raise EnvironmentProblemError(
                f"{CACHE_VARIABLE}={override} cannot be used: {error}: name a directory that this user can write "
                "to and others cannot, since it will hold machine code"
            ) from error
    xdg = os.environ.get("XDG_CACHE_HOME")
    candidates = [Path(xdg) / "metaclip_spark"] if xdg else []
    with contextlib.suppress(RuntimeError):  # no home directory can be found for this user
        candidates.append(Path.home() / ".cache" / "metaclip_spark")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    candidates.append(Path(tempfile.gettempdir()) / f"metaclip_spark-{user}")
    for candidate in candidates:
        with contextlib.suppress(OSError):
            return _private_directory(candidate)
    return _own_directory()


@cache
def _own_directory() -> str:
    """The last resort: a cache for this process only."""
    return tempfile.mkdtemp(prefix="metaclip_spark-")


def _private_directory(path: Path) -> str:
    """Create `path` if need be; an OSError says that it cannot be written or that others could plant code in it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass
    if hasattr(os, "getuid"):
        status = path.stat()
        if status.st_uid not in (os.getuid(), 0) or status.st_mode & 0o002:
            raise PermissionError(f"{path} belongs to user {status.st_uid} with mode {status.st_mode & 0o777:o}")
    return str(path.absolute())


@cache
def kernel_digest(module: str) -> str:
    """20 hex digits that change whenever the kernels of a module could compile to other machine code.

    Args:
        module: its full name; what it imports from this package counts, and what that imports.

    >>> kernel_digest("metaclip_spark.core.matching.kernels") == kernel_digest("metaclip_spark.core.jit")
    False
    """
    digest = hashlib.sha256()
    for name, source in sorted(_sources(module).items()):
        for part in (name.encode(), source):
            digest.update(len(part).to_bytes(8, "little") + part)
    # The name and the features: a cluster of mixed machines may share the directory over a network file system.
    features = llvmlite.binding.get_host_cpu_features().flatten()
    about = (sys.version, numba.__version__, llvmlite.__version__, platform.machine())
    digest.update("\n".join((*about, llvmlite.binding.get_host_cpu_name(), features)).encode())
    return digest.hexdigest()[:20]


def _sources(module: str) -> dict[str, bytes]:
    """Source of a module and of all modules of this package that it imports by name, directly or not."""
    found: dict[str, bytes] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in found:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                raise EnvironmentProblemError(
                    f"the source of {name} cannot be found: install metaclip_spark from a wheel"
                )
            # The loader reads from a zip file too, where an executor may have its packages
            found[name] = cast("ResourceLoader", spec.loader).get_data(spec.origin)
            pending += [imported.decode() for imported in _IMPORT.findall(found[name])]
    return found


class _Locator:
    """What numba asks of a cache locator: where, how fresh, and how to tell functions of one name apart."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file = function.__code__.co_filename  # numba's warnings name it
        self._line = function.__code__.co_firstlineno
        self._digest = kernel_digest(function.__module__)

    def ensure_cache_path(self) -> None:
        Path(self.get_cache_path()).mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(Path(cache_root()) / "kernels" / self._digest)

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> _Locator:
        return cls(function)


class _HostCacheImpl(CompileResultCacheImpl):
    """numba's own serialisation, with our locator whatever the user has configured."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function)
        module = function.__module__.rpartition(".")[2]
        self._filename_base = self.get_filename_base(f"{module}.{function.__qualname__}", "")


class _HostCache(FunctionCache):
    """A function cache that holds a lock of the host from a miss until the compiled function is saved.

    numba's dispatcher calls `load_overload` and, when that gives None, compiles and calls `save_overload`.
    """

    _impl_class = _HostCacheImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        # numba opens the cache here. We do at the first call: importing a module should not make directories.
        self._function = function
        self._is_open = False
        self._lock: Any = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if not self._is_open:
            super().__init__(self._function)
            self._is_open = True
        found = super().load_overload(sig, target_context)
        if found is None and self._lock is None:
            self._lock = self._acquire()
            if self._lock is not None:  # another worker may have saved it while this one waited
                found = super().load_overload(sig, target_context)
                if found is not None:
                    self._release()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        finally:
            self._release()

    def _acquire(self) -> Any:
        try:
            import fcntl  # noqa: PLC0415  # POSIX only: elsewhere workers compile side by side, which is only slower
        except ImportError:
            return None
        self._impl.locator.ensure_cache_path()
        # Locks last as long as the open file: the caller keeps it, so no context manager fits.
        lock = (Path(self.cache_path) / f"{self._impl.filename_base}.lock").open("w")
        deadline = time.monotonic() + _LOCK_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            time.sleep(0.02)
        lock.close()
        return None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def kernel(function: F) -> F:
    """An entry point from Python into compiled code: nopython, GIL released, cached per host.

    Array bounds are not checked and signed indices wrap: a kernel proves its bounds in comments, or checks them.
    Give it read-only arrays throughout (`read_only`), so that it has one specialisation only.
    """
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    # njit(cache=True) would do the same with numba's own locators; there is no public way to name another cache.
    dispatcher._cache = _HostCache(function)  # noqa: SLF001
    return cast("F", dispatcher)


def step(function: F) -> F:
    """A part of a kernel: callable from kernels only, saved as part of each kernel that calls it."""
    return cast("F", numba.njit(nogil=True, error_model="numpy")(function))


def inlined_step(function: F) -> F:
    """A part of a kernel that runs once per token: LLVM is told to inline it whatever its cost model says."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))


def read_only(array: NDArray[S]) -> NDArray[S]:
    """The same memory as a C-contiguous array that cannot be written: the one type under which kernels are compiled.

    A mapped artifact is read-only and a freshly built one is not: without this, each would compile every kernel anew.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
