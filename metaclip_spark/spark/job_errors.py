"""Errors of Spark jobs: their cause in one line, raised under a name of this package."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from metaclip_spark import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_POOL: Final = "the pool"
_OURS: Final = re.compile(r"metaclip_spark\.errors\.(\w+): (.+)")
_CAUSE: Final = re.compile(r"^(?:Caused by|: org\.apache\.spark\.SparkException): (.*)$", re.MULTILINE)
_TRACEBACK: Final = re.compile(r"^Traceback \(most recent call last\):\n(?:(?:[ \t].*)?\n)*(\S.*)$", re.MULTILINE)
_CONDITION: Final = re.compile(r"\[[A-Z][A-Z0-9_.]+\] .*")


class TableFiles(Protocol):
    """Tables whose files a job reads (`tables.Tables`)."""

    @property
    def root(self) -> str:
        """Path or schema of the tables, for messages."""

    def has_file_named_in(self, message: str) -> bool:
        """Return whether a message of Spark names a file of these tables."""


@contextmanager
def translated_job_errors(*read: TableFiles, source: str = _POOL) -> Iterator[None]:
    """Raise failures of Spark jobs as errors of this package.

    An error of this package that a Python worker raised reaches the driver as text in Spark's own error. It is raised
    again under its class; every other failure is raised with its cause.

    Args:
        read: Tables that are read besides the source.
        source: Human-readable name of what is read.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as failure:
        found = _OURS.search(str(failure))
        kind = getattr(errors, found.group(1), None) if found else None
        if "FAILED_READ_FILE" in str(failure):
            for tables in read:
                if tables.has_file_named_in(str(failure)):
                    raise errors.TableError(
                        f"A file of the tables in {tables.root} cannot be read: {failure_reason(failure)} Restore it, "
                        "read another version (`inspect` lists them), or curate again into another root."
                    ) from failure
            raise errors.InputError(f"A file of {source} cannot be read: {failure_reason(failure)}") from failure
        if found is None or kind is None:
            consequence = (
                "No table contains a partial commit, and the run is not marked as finished. Run again to continue."
                if source == _POOL
                else "No metadata has been written. Run again."
            )
            raise errors.JobFailedError(
                "; ".join([f"The Spark job failed: {failure_reason(failure)}", *getattr(failure, "__notes__", [])])
                + f". {consequence}"
            ) from failure
        raise kind(f"In a Python worker: {found.group(2)}") from failure


def failure_reason(error: Exception) -> str:
    r"""Return the cause of a Spark error in one line.

    That is the line with the error condition ("[PATH_NOT_FOUND] …"), else the innermost cause, else the first line. For
    an exception of a Python worker it is the line after its traceback. If the condition says only that a task could not
    write, the innermost cause follows it.

    The text is searched because `getMessage` fails for Delta's exceptions, whose conditions Spark does not know.

    >>> worker = "Traceback (most recent call last):\n  File 'x.py', line 1\n    g()\nValueError: no g\n at y.scala"
    >>> failure_reason(Exception("An exception was thrown from the Python worker:\n" + worker))
    'ValueError: no g'
    """
    text = str(error).strip()
    found = _CONDITION.search(text)
    causes = [found.group()] if found else _TRACEBACK.findall(text) or _CAUSE.findall(text)
    if found and found.group().startswith("[TASK_WRITE_FAILED]"):  # names the table, but not the cause
        causes = [f"{found.group()}: {cause}" for cause in _CAUSE.findall(text)] or causes
    return str(causes[-1]) if causes else text.partition("\n")[0]
