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

import ast
import contextlib
import hashlib
import importlib.util
import os
import platform
import re
import sys
import time
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler_lock import global_compiler_lock

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE, cache_root, drop_unused, private_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.abc import ResourceLoader
    from importlib.machinery import ModuleSpec

    from numpy.typing import NDArray

    F = TypeVar("F", bound=Callable[..., Any])
    S = TypeVar("S", bound=np.generic)

_PACKAGE: Final = __name__.partition(".")[0]
_DIGEST_DIGITS: Final = 20
_DIGEST: Final = re.compile(f"[0-9a-f]{{{_DIGEST_DIGITS}}}")

# numba's runtime, which allocates and counts references; its own overloads do not name the option
_LEAN: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}

_LOCK_SECONDS: Final = 120.0
# The lock only saves work. A worker that dies keeps no lock (the kernel of the OS drops it), one that hangs does: after
# this time the others compile for themselves.


@cache
def kernel_digest(module: str) -> str:
    """20 hex digits that change whenever the kernels of a module could compile to other machine code.

    Args:
        module: its full name; what it imports from this package counts, and what that imports.

    >>> kernel_digest("metaclip_spark.core.matching.oracle") == kernel_digest("metaclip_spark.core.xxh64")
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
    return digest.hexdigest()[:_DIGEST_DIGITS]


def _sources(module: str) -> dict[str, bytes]:
    """Source of a module and of all modules of this package that it imports, directly or not, in whatever form."""
    found: dict[str, bytes] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in found:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                raise EnvironmentProblemError(f"the source of {name} cannot be found: install {_PACKAGE} from a wheel")
            # The loader reads from a zip file too, where an executor may have its packages
            found[name] = cast("ResourceLoader", spec.loader).get_data(spec.origin)
            pending += _imported(found[name], spec)
    return found


def _imported(source: bytes, spec: ModuleSpec) -> Iterator[str]:
    """Modules of this package that a module's source imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            package = spec.name if spec.submodule_search_locations is not None else spec.parent
            name = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            if _is_ours(name):
                yield name
                parent = importlib.util.find_spec(name)
                if parent is not None and parent.submodule_search_locations is not None:
                    # a package: what is imported from it may be a module, or a name of its __init__
                    members = (f"{name}.{alias.name}" for alias in node.names)
                    yield from (member for member in members if importlib.util.find_spec(member) is not None)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE


class _Locator:
    """What numba asks of a cache locator: where, how fresh, and how to tell functions of one name apart."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file = function.__code__.co_filename  # numba's warnings name it
        self._line = function.__code__.co_firstlineno
        self._digest = kernel_digest(function.__module__)

    @cached_property
    def _folder(self) -> Path:
        return Path(cache_root()) / "kernels" / self._digest

    def ensure_cache_path(self) -> None:
        """Create the directory, or refuse it; a new one is the occasion to look for those of versions long gone."""
        is_new = not self._folder.exists()
        try:
            private_directory(self._folder.parent)
            private_directory(self._folder)
            os.utime(self._folder)  # in use
        except OSError as error:
            raise EnvironmentProblemError(
                f"compiled kernels cannot be kept: {error}: delete that directory, or name another cache in "
                f"{CACHE_VARIABLE}"
            ) from error
        if is_new:
            drop_unused(path for path in self._folder.parent.iterdir() if _DIGEST.fullmatch(path.name))

    def get_cache_path(self) -> str:
        return str(self._folder)

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
    """A function cache that holds a lock of the host from a miss until the kernel is compiled and saved, or fails to.

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
            self._impl.locator.ensure_cache_path()
            self._is_open = True
        found = super().load_overload(sig, target_context)
        if found is None and self._lock is None:
            self._lock = self._acquire()
            if self._lock is not None:  # another worker may have saved it while this one waited
                found = super().load_overload(sig, target_context)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # a full disk: this process has its kernel all the same
            super().save_overload(sig, data)

    def _acquire(self) -> Any:
        try:
            import fcntl  # noqa: PLC0415  # POSIX only: elsewhere workers compile side by side, which is only slower
        except ImportError:
            return None
        self._impl.locator.ensure_cache_path()
        try:
            # Locks last as long as the open file: the caller keeps it, so no context manager fits.
            lock = (Path(self.cache_path) / f"{self._impl.filename_base}.lock").open("w")
        except OSError:  # a full disk
            return None
        deadline = time.monotonic() + _LOCK_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            time.sleep(0.02)
        lock.close()
        return None

    def release(self) -> None:
        """Let the other workers load, or try for themselves."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _releasing(compile_: Callable[[Any], Any], host_cache: _HostCache) -> Callable[[Any], Any]:
    """A dispatcher's `compile` that ends without the host's lock, whether or not it succeeded."""

    def compile_and_release(sig: Any) -> Any:
        with global_compiler_lock:  # which numba takes too: no other thread gets the host's lock before it is released
            try:
                return compile_(sig)
            finally:
                host_cache.release()

    return compile_and_release


def kernel(function: F) -> F:
    """An entry point from Python into compiled code: nopython, GIL released, cached per host.

    Array bounds are not checked and signed indices wrap: a kernel proves its bounds in comments, or checks them.
    Give it read-only arrays throughout (`read_only`), so that it has one specialisation only.
    """
    return _cached(numba.njit(nogil=True, error_model="numpy")(function), function)


def step(function: F) -> F:
    """A part of a kernel: callable from kernels only, saved as part of each kernel that calls it."""
    return cast("F", numba.njit(nogil=True, error_model="numpy")(function))


def inlined_step(function: F) -> F:
    """A part of a kernel that runs once per token: LLVM is told to inline it whatever its cost model says."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))


def lean_kernel(function: F) -> F:
    """A kernel that allocates no memory, and so counts no references to arrays: its callers hold them all the while.

    Counting them in every step that takes an array was three quarters of the time of the kernels that read wikitext.
    What does allocate is refused when it is compiled.
    """
    return _cached(numba.njit(**_LEAN)(function), function)


def lean_step(function: F) -> F:
    """A part of lean kernels."""
    return cast("F", numba.njit(**_LEAN)(function))


def inlined_lean_step(function: F) -> F:
    """A part of lean kernels that is inlined as `inlined_step` is."""
    return cast("F", numba.njit(**_LEAN, forceinline=True)(function))


def read_only(array: NDArray[S]) -> NDArray[S]:
    """The same memory as a C-contiguous array that cannot be written: the one type under which kernels are compiled.

    A mapped artifact is read-only and a freshly built one is not: without this, each would compile every kernel anew.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _cached(dispatcher: Any, function: F) -> F:
    """A compiled function with the host's cache."""
    # njit(cache=True) would do the same with numba's own locators; there is no public way to name another cache.
    dispatcher._cache = host_cache = _HostCache(function)  # noqa: SLF001
    dispatcher.compile = _releasing(dispatcher.compile, host_cache)
    return cast("F", dispatcher)
