"""Decorators that compile a function once per host: `numba.njit` with a cache that all worker processes share.

numba's own cache locators do not fit executors:

- They check only the file of the function itself, so a kernel is stale after a change in a module that it imports.
- They derive the directory from the path of the source, so each unpacked copy of the package (an executor's archive,
  a virtual environment per application) compiles again.
- Nothing stops the worker processes of a host, which start together, from compiling the same kernel at the same time.

Here a cache locator, which numba takes through its setting `CACHE_LOCATOR_CLASSES`, names the directory by
`kernel_digest`; and the first call of a kernel compiles under a file lock, so that the other worker processes wait and
then load the result. The setting is changed only while numba opens the cache of a kernel, so the user's own functions
keep their cache. Importing a module compiles nothing and creates no directory.
"""

# numba has types for its decorators only
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import functools
import os
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numba
import numpy as np

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE, cache_root, drop_unused, private_directory
from metaclip_spark.host.kernel_digest import DIGEST_DIGITS, kernel_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    F = TypeVar("F", bound=Callable[..., Any])
    S = TypeVar("S", bound=np.generic)

_DIGEST: Final = re.compile(f"[0-9a-f]{{{DIGEST_DIGITS}}}")

_STEP: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy"}
_LEAN: Final[dict[str, Any]] = {**_STEP, "_nrt": False}  # no numba runtime (NRT), which counts references

_NUMBA_LOCATORS: Final = (
    "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator,ZipCacheLocator"
)
_LOCK_SECONDS: Final = 120.0
# The lock only saves work. The operating system releases the lock of a process that dies, but not of one that hangs:
# after this time the others compile for themselves.

_first_call: Final = threading.Lock()
_kernels: Final[set[Callable[..., Any]]] = set()


class _HostCacheLocator:
    """Cache locator, as numba expects it: the directory, freshness and name of the compiled code of one kernel."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file = function.__code__.co_filename  # named in numba's warnings
        self._line = function.__code__.co_firstlineno
        self._digest = kernel_digest(function.__module__)

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> _HostCacheLocator | None:
        return cls(function) if function in _kernels else None  # numba then tries the next locator

    def ensure_cache_path(self) -> None:
        """Create the directory, or refuse one that others can write to; delete those of old versions beside it."""
        folder = Path(self.get_cache_path())
        is_new = not folder.exists()
        try:
            private_directory(folder.parent)
            private_directory(folder)
            os.utime(folder)  # marks the directory as used, so that the cleaner keeps it
        except OSError as error:
            raise EnvironmentProblemError(
                f"The cache of compiled kernels cannot be used: {error}. Delete that directory, or name another cache "
                f"directory in {CACHE_VARIABLE}."
            ) from error
        if is_new:
            drop_unused(path for path in folder.parent.iterdir() if _DIGEST.fullmatch(path.name))

    def get_cache_path(self) -> str:
        return str(_folder(self._digest))

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return str(self._line)


def has_compiled(module: str) -> bool:
    """Return whether this host's cache has compiled code of a module's kernels.

    Args:
        module: Full name of the module.
    """
    return any(_folder(kernel_digest(module)).glob("*.compiled"))


def _folder(digest: str) -> Path:
    return Path(cache_root()) / "kernels" / digest


class Kernel:
    """A function that is compiled, or loaded from the host's cache, at its first call.

    Attributes:
        dispatcher: numba's compiled function; None before the first call.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._options = options
        self.dispatcher: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function; compile or load it first if necessary."""
        if self.dispatcher is None:
            with _first_call:
                if self.dispatcher is None:  # another thread may have loaded it meanwhile
                    self.dispatcher = self._load_or_compile(arguments)
        return self.dispatcher(*arguments)

    def _load_or_compile(self, arguments: tuple[Any, ...]) -> Any:
        """Return numba's dispatcher with the machine code for arguments of these types."""
        _kernels.add(self._function)
        locator = _HostCacheLocator(self._function)
        locator.ensure_cache_path()
        with first_locator(f"{__name__}.{_HostCacheLocator.__name__}"):
            dispatcher = numba.njit(cache=True, **self._options)(self._function)
        name = f"{self._function.__name__}-{locator.get_disambiguator()}"
        compiled = Path(locator.get_cache_path()) / f"{name}.compiled"
        lock = contextlib.nullcontext() if compiled.exists() else _host_lock(compiled.with_suffix(".lock"))
        with lock, contextlib.suppress(OSError):  # a full disk: this process still has its kernel
            dispatcher.compile(tuple(map(numba.typeof, arguments)))
            compiled.touch()
        return dispatcher


@contextlib.contextmanager
def first_locator(locator: str) -> Iterator[None]:
    """Make numba try this cache locator first within the context, then those that the user has configured."""
    settings: Any = numba.config
    before = settings.CACHE_LOCATOR_CLASSES
    settings.CACHE_LOCATOR_CLASSES = f"{locator},{before or _NUMBA_LOCATORS}"
    try:
        yield
    finally:
        settings.CACHE_LOCATOR_CLASSES = before


def _host_lock(path: Path) -> contextlib.AbstractContextManager[Any]:
    """Wait until no other process of the host has the lock, and return the locked file; closing it releases the lock.

    Without file locks, on a full disk or after a long wait, return a context manager that does nothing.
    """
    try:
        import fcntl  # noqa: PLC0415  # POSIX only: elsewhere worker processes compile side by side, which is slower
    except ImportError:
        return contextlib.nullcontext()
    try:
        lock = path.open("w")
    except OSError:  # a full disk
        return contextlib.nullcontext()
    deadline = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(0.02)
    lock.close()
    return contextlib.nullcontext()


def kernel(function: F) -> F:
    """Return an entry point from Python into compiled code: nopython, GIL released, cached per host.

    Array bounds are not checked and signed indices wrap: a kernel proves its bounds in comments, or checks them.
    Pass it read-only arrays throughout (`read_only`), so that it has one specialisation only.
    """
    return cast("F", Kernel(function, _STEP))


def step(function: F) -> F:
    """Return a part of a kernel: callable from kernels only, saved as part of each kernel that calls it."""
    return cast("F", numba.njit(**_STEP)(function))


def inlined_step(function: F) -> F:
    """Return a part of a kernel that runs once per token: LLVM inlines it whatever its cost model says."""
    return cast("F", numba.njit(**_STEP, forceinline=True)(function))


def lean_kernel(function: F) -> F:
    """Return a kernel that allocates no memory and counts no references to arrays: its callers keep the arrays alive.

    Counting references in every step that takes an array took three quarters of the time of the kernels that read
    wikitext. Code that allocates is refused when it is compiled.
    """
    return cast("F", Kernel(function, _LEAN))


def lean_step(function: F) -> F:
    """Return a part of lean kernels."""
    return cast("F", numba.njit(**_LEAN)(function))


def inlined_lean_step(function: F) -> F:
    """Return a part of lean kernels that is inlined as `inlined_step` is."""
    return cast("F", numba.njit(**_LEAN, forceinline=True)(function))


def read_only(array: NDArray[S]) -> NDArray[S]:
    """Return the same memory as a C-contiguous array that cannot be written: the type that kernels are compiled for.

    A mapped artifact is read-only and a freshly built one is not: without this function, every kernel would be compiled
    once for each.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
