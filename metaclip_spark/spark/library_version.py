"""Version of this library, which must be the same on the driver and in every Python worker."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.resources.abc import Traversable

Function = TypeVar("Function", bound="Callable[..., object]")


@cache
def library_identity() -> str:
    """Return the version and a digest of the sources, which distinguishes two states of one version.

    >>> " (sources " in library_identity()
    True
    """
    package = sys.modules[__name__.partition(".")[0]]
    digest = hashlib.sha256()
    for name, source in sorted(_sources(files(package), "")):
        for part in (name.encode(), source):
            digest.update(len(part).to_bytes(8, "little") + part)
    return f"{package.__version__} (sources {digest.hexdigest()[:12]})"


def require_same_library(function: Function) -> Function:
    """Return a wrapper of the function that fails in workers with another library, before they load the function.

    Loading it could fail otherwise, because another version may lack names that it refers to.
    """
    sealed = _Sealed(function)

    def call(*arguments: object) -> object:
        return sealed.function(*arguments)

    return call  # type: ignore[return-value]


class _Sealed:
    """Function that is pickled as bytes, together with the identity of the driver's library."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        from pyspark import cloudpickle  # noqa: PLC0415 - importing the package must not need pyspark

        def opened(driver: str, pickled: bytes) -> object:
            # Pickled as code, which must not refer to this library before it is known to be the same.
            import pickle  # noqa: PLC0415
            from types import SimpleNamespace  # noqa: PLC0415

            try:
                from metaclip_spark.spark.library_version import library_identity as identity  # noqa: PLC0415

                own = identity()
            except ImportError:
                own = "none, or a much older one"
            if driver != own:
                name = "metaclip_spark.errors.EnvironmentProblemError"  # by which the driver recognises it
                raise RuntimeError(
                    f"{name}: The driver runs metaclip_spark {driver}, but this worker runs {own}. Different versions "
                    "may give different results. Use the same archive, image or wheel for both."
                )
            return SimpleNamespace(function=pickle.loads(pickled))  # noqa: S301 - the driver's own bytes

        return opened, (library_identity(), cloudpickle.dumps(self.function))  # type: ignore[no-untyped-call]


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{place}{entry.name}", entry.read_bytes()
