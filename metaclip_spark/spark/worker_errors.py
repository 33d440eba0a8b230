"""Errors raised on a worker reach the driver as text inside Spark's own; here they get their name back."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark import errors
from metaclip_spark.spark.failure_reason import reason

if TYPE_CHECKING:
    from collections.abc import Iterator


_POOL: Final = "the pool"
_NAMED: Final = re.compile(r"metaclip_spark\.errors\.(\w+): (.+)")


class TableFiles(Protocol):
    """Tables whose files a job reads (`tables.Tables`)."""

    @property
    def root(self) -> str:
        """Path or schema of the tables, for messages."""

    def names_a_file(self, message: str) -> bool:
        """Whether a message of Spark names a file of these tables."""


@contextmanager
def named_worker_errors(*read: TableFiles, source: str = _POOL) -> Iterator[None]:
    """Raise a worker's own error in place of Spark's report of it, and any other failure of a job under its cause.

    Args:
        read: tables that are read beside the source.
        source: what is read, for people.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as failure:
        found = _NAMED.search(str(failure))
        kind = getattr(errors, found.group(1), None) if found else None
        if "FAILED_READ_FILE" in str(failure):
            for tables in read:
                if tables.names_a_file(str(failure)):
                    raise errors.TableError(
                        f"a file of the tables in {tables.root} cannot be read: {reason(failure)} Restore it, or read "
                        "another version (`inspect` lists them), or curate again into another output"
                    ) from failure
            raise errors.InputError(f"a file of {source} cannot be read: {reason(failure)}") from failure
        if found is None or kind is None:
            left = "No table holds half a commit, nor is the run marked as whole: run again, which goes on from there"
            raise errors.JobFailedError(
                "; ".join([f"the Spark job failed: {reason(failure)}", *getattr(failure, "__notes__", [])])
                + ". "
                + (left if source == _POOL else "No list is written: run again")
            ) from failure
        raise kind(f"on a worker: {found.group(2)}") from failure
