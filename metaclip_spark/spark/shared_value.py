"""A value shared with Python workers: a broadcast if the session has a SparkContext, else a file of the session."""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

from pyspark import SparkFiles

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAX_LOADED: Final = 4
_loaded: Final[dict[str, Any]] = {}  # the last values that this worker has read, by file


class Shared(Protocol[T_co]):
    """Handle to a shared value; sent to the workers inside the functions that use it."""

    @property
    def value(self) -> T_co:
        """The value, in a worker."""

    def destroy(self) -> None:
        """Remove the value from driver and executors, as far as the session allows. Called on the driver."""


def share(spark: SparkSession, value: T) -> Shared[T]:
    """Make a value available to the workers.

    Raises:
        EnvironmentProblemError: The session supports neither broadcasts nor files.
    """
    return (
        cast("Shared[T]", spark.sparkContext.broadcast(value))
        if has_spark_context(spark)
        else SessionFile(spark, value)
    )


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of this process; it exists until the process ends, as new executors request old files too."""
    return tempfile.TemporaryDirectory(prefix="metaclip_spark-files-")


class SessionFile(Generic[T]):
    """A value as a file that Spark copies to every host that needs it."""

    def __init__(self, spark: SparkSession, value: T) -> None:
        content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        # Named by its content, so that a session does not receive the same file twice.
        self._name = f"metaclip_spark-{hashlib.sha256(content).hexdigest()[:32]}.pickle"
        path = Path(_folder().name) / self._name
        if not path.exists():
            path.write_bytes(content)
        try:
            spark.addArtifact(str(path), file=True)
        except Exception as error:  # each kind of session raises an error of its own
            raise EnvironmentProblemError(
                "The Spark session can give its workers neither broadcasts nor files, one of which the metadata needs "
                f"({type(error).__name__}: {str(error).strip().partition(chr(10))[0]}). Use a session with a "
                "SparkContext, on Databricks a cluster with dedicated access, or Spark Connect 4.0 or newer."
            ) from error

    @property
    def value(self) -> T:
        """The value, read once in each worker process."""
        if self._name not in _loaded:
            while len(_loaded) >= _MAX_LOADED:
                _loaded.pop(next(iter(_loaded)))
            with Path(SparkFiles.get(self._name)).open("rb") as file:
                _loaded[self._name] = pickle.load(file)  # noqa: S301 - written by our own driver
        return cast("T", _loaded[self._name])

    def destroy(self) -> None:
        """Do nothing: such a file exists as long as the session."""
