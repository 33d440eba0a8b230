"""Errors of Spark jobs: their cause in one line, raised under a name of this package."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException, PySparkException

from metaclip_spark import errors
from metaclip_spark.spark.failures.failure_kinds import kind_of
from metaclip_spark.spark.failures.jvm_death import death_of_jvm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_POOL: Final = "the pool"
_OURS: Final = re.compile(r"metaclip_spark\.errors\.(\w+): (.+)")
_CAUSE: Final = re.compile(r"^(?:Caused by)?: (?:org\.apache\.spark\.SparkException: )?(\S.*)$", re.MULTILINE)
_TRACEBACK: Final = re.compile(r"^Traceback \(most recent call last\):\n(?:(?:[ \t].*)?\n)*(\S.*)$", re.MULTILINE)
# Raised before a job starts: the places, columns or options of the user do not fit.
_PLANNING: Final = (AnalysisException, ParseException, IllegalArgumentException)
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
    """Raise failures of Spark as errors of this package.

    An error of this package that a Python worker raised reaches the driver as text in Spark's own error. It is raised
    again under its class; every other failure is raised with its cause (`named_error`).

    Args:
        read: Tables that are read besides the source.
        source: Human-readable name of what is read.
    """
    try:
        yield
    except errors.MetaclipSparkError:
        raise
    except Exception as failure:
        named = named_error(failure, *read, source=source)
        if named is None:
            raise
        raise named from failure


def named_error(failure: Exception, *read: TableFiles, source: str = _POOL) -> errors.MetaclipSparkError | None:
    """Return the error of this package for a failure of Spark; None for any other exception.

    Args:
        failure: Any exception.
        read: Tables that are read besides the source.
        source: Human-readable name of what is read.
    """
    dead = death_of_jvm(failure)
    if dead is not None or not isinstance(failure, PySparkException | Py4JJavaError):
        return dead
    text = f"{type(failure).__name__}: {failure}"
    reason = failure_reason(failure) or type(failure).__name__
    found = _OURS.search(text)
    ours = getattr(errors, found.group(1), None) if found else None
    if found and ours is not None:
        return ours(f"In a Python worker: {found.group(2)}")  # type: ignore[no-any-return]
    kind, remedy = kind_of(text) or (None, "")
    if kind is None and "FAILED_READ_FILE" in text:
        return _unreadable_file(reason, remedy, [one for one in read if one.has_file_named_in(text)], source)
    if kind is None and (remedy or isinstance(failure, _PLANNING)):
        of_tables = "[DELTA_" in text or any(one.root in text for one in read)
        kind = errors.TableError if of_tables else errors.InputError
    if kind is not None:
        return kind(f"{_sentence(reason)} {remedy}".rstrip())
    consequence = (
        "No table contains a partial commit, and the run is not marked as finished. Run again to continue."
        if source == _POOL
        else "No metadata has been written. Run again."
    )
    notes = getattr(failure, "__notes__", [])
    return errors.JobFailedError("; ".join([f"The Spark job failed: {reason}", *notes]) + f". {consequence}")


def _unreadable_file(
    reason: str, remedy: str, tables: Sequence[TableFiles], source: str
) -> errors.TableError | errors.InputError:
    if tables:
        return errors.TableError(
            f"A file of the tables in {tables[0].root} cannot be read: {reason} Restore it, read another version "
            "(`inspect` lists them), or curate again into another root."
        )
    return errors.InputError(f"A file of {source} cannot be read: {_sentence(reason)} {remedy}".rstrip())


def _sentence(reason: str) -> str:
    return reason if reason.endswith(".") else f"{reason}."


def failure_reason(error: Exception) -> str:
    r"""Return the cause of a Spark error in one line.

    That is the line with the error condition ("[PATH_NOT_FOUND] …"), else the innermost cause, else the first line. For
    an exception of a Python worker it is the line after its traceback. If the condition says only that a file
    could not be read or written, the innermost cause follows it.

    The text is searched because `getMessage` fails for Delta's exceptions, whose conditions Spark does not know.

    >>> worker = "Traceback (most recent call last):\n  File 'x.py', line 1\n    g()\nValueError: no g\n at y.scala"
    >>> failure_reason(Exception("An exception was thrown from the Python worker:\n" + worker))
    'ValueError: no g'
    """
    text = str(error).strip()
    found = _CONDITION.search(text)
    causes = [found.group()] if found else _TRACEBACK.findall(text) or _CAUSE.findall(text)
    if found and found.group().startswith(("[TASK_WRITE_FAILED]", "[FAILED_READ_FILE")):  # name no cause
        causes = [f"{found.group()}: {cause}" for cause in _CAUSE.findall(text)] or causes
    return str(causes[-1]) if causes else text.partition("\n")[0]
