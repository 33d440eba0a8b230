"""Which library this process runs: driver and workers must run the same."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.resources.abc import Traversable

    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    Batches = Iterator[pa.RecordBatch]

Function = TypeVar("Function", bound="Callable[..., object]")


@cache
def library_identity() -> str:
    """Version and a digest of the sources, which also tells two states of one version apart.

    >>> " (sources " in library_identity()
    True
    """
    package = sys.modules[__name__.partition(".")[0]]
    digest = hashlib.sha256()
    for name, source in sorted(_sources(files(package), "")):
        for part in (name.encode(), source):
            digest.update(len(part).to_bytes(8, "little") + part)
    return f"{package.__version__} (sources {digest.hexdigest()[:12]})"


def map_in_arrow(rows: DataFrame, function: Callable[[Batches], Batches], schema: StructType | str) -> DataFrame:
    """`rows.mapInArrow`, by workers that run this very library.

    Args:
        rows: that go to the workers.
        function: of one task.
        schema: of what it yields.

    Raises:
        EnvironmentProblemError: on a worker that runs another version than the driver.
    """
    return rows.mapInArrow(for_this_library(function), schema)


def for_this_library(function: Function) -> Function:
    """The same function, to be sent to workers, which find out that theirs is another library before they load it.

    Loading it may fail otherwise, as another version need not have the names that it refers to.
    """
    sealed = _Sealed(function)

    def call(*arguments: object) -> object:
        return sealed.function(*arguments)

    return call  # type: ignore[return-value]


class _Sealed:
    """A function that pickles as bytes, beside the identity of the driver's library."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        from pyspark import cloudpickle  # noqa: PLC0415 - importing the package must not need pyspark

        def opened(driver: str, pickled: bytes) -> object:
            # Pickled as code, which must not refer to this library before it is known to be the same.
            import pickle  # noqa: PLC0415
            from types import SimpleNamespace  # noqa: PLC0415

            try:
                from metaclip_spark.spark.library import library_identity as identity  # noqa: PLC0415

                own = identity()
            except ImportError:
                own = "none, or one of long ago"
            if driver != own:
                name = "metaclip_spark.errors.EnvironmentProblemError"  # by which the driver knows it
                raise RuntimeError(
                    f"{name}: the driver runs metaclip_spark {driver}, this worker {own}, and the result must not "
                    "depend on who computes it: give both the same archive, image or wheel"
                )
            return SimpleNamespace(function=pickle.loads(pickled))  # noqa: S301 - of the driver

        return opened, (library_identity(), cloudpickle.dumps(self.function))  # type: ignore[no-untyped-call]


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{place}{entry.name}", entry.read_bytes()
