"""A value on the workers: broadcast where the session has a context, else a file of the session."""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

from pyspark import SparkFiles

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session_kind import has_context

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MOST_LOADED: Final = 4
_loaded: Final[dict[str, Any]] = {}  # the last values of this worker, by file


class Shared(Protocol[T_co]):
    """What a worker reads a value from; goes to the workers inside the functions that use it."""

    @property
    def value(self) -> T_co:
        """The value, on a worker."""

    def destroy(self) -> None:
        """On the driver: drop it from driver and executors, as far as the session can."""


def share(spark: SparkSession, value: T) -> Shared[T]:
    """Put a value within the workers' reach.

    Raises:
        EnvironmentProblemError: the session has neither broadcasts nor files of its own.
    """
    return cast("Shared[T]", spark.sparkContext.broadcast(value)) if has_context(spark) else SessionFile(spark, value)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Of this process: an executor that starts later asks for the files of earlier runs too."""
    return tempfile.TemporaryDirectory(prefix="metaclip_spark-files-")


class SessionFile(Generic[T]):
    """A value as a file that Spark brings to every host that needs it."""

    def __init__(self, spark: SparkSession, value: T) -> None:
        content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        # By its content: a session that has the file already does not get it again.
        self._name = f"metaclip_spark-{hashlib.sha256(content).hexdigest()[:32]}.pickle"
        path = Path(_folder().name) / self._name
        if not path.exists():
            path.write_bytes(content)
        try:
            spark.addArtifact(str(path), file=True)
        except Exception as error:  # by the kind of session, another error each
            raise EnvironmentProblemError(
                f"the Spark session gives neither broadcasts nor files to its workers ({type(error).__name__}: "
                f"{str(error).strip().partition(chr(10))[0]}), one of which the metadata needs: use a session with "
                "a context, on Databricks a cluster of dedicated access, or Spark Connect 4.0 or newer"
            ) from error

    @property
    def value(self) -> T:
        """The value, read once in each worker process."""
        if self._name not in _loaded:
            while len(_loaded) >= _MOST_LOADED:
                _loaded.pop(next(iter(_loaded)))
            with Path(SparkFiles.get(self._name)).open("rb") as file:
                _loaded[self._name] = pickle.load(file)  # noqa: S301 - our own driver wrote it
        return cast("T", _loaded[self._name])

    def destroy(self) -> None:
        """Nothing: such a file stays as long as the session."""
