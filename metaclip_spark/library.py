"""Which library this process runs: driver and workers must run the same."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from metaclip_spark.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.resources.abc import Traversable

    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    Batches = Iterator[pa.RecordBatch]


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
    library = library_identity()

    def by_the_same(batches: Batches) -> Batches:
        refuse_other_library(library)
        return function(batches)

    return rows.mapInArrow(by_the_same, schema)


def refuse_other_library(driver: str) -> None:
    """On a worker: it has to run the library of the driver.

    Args:
        driver: identity of the driver's.

    Raises:
        EnvironmentProblemError: it runs another one.
    """
    if driver != library_identity():
        raise EnvironmentProblemError(
            f"the driver runs metaclip_spark {driver}, this worker {library_identity()}, and the result must not "
            "depend on who computes it: give both the same archive, image or wheel"
        )


def _sources(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{place}{entry.name}", entry.read_bytes()
