"""Errors and warnings of metaclip_spark.

All errors have one base class, and one subclass per kind of failure. Each kind has its exit code on the command line,
so that a scheduler can distinguish bad input (do not retry) from a problem of the machine (fix it and retry).
"""

from __future__ import annotations

from typing import Final

# C0 and C1 controls, DEL, line and paragraph separators, and the marks that reorder text on a terminal.
_CONTROLS: Final = {*range(0x20), *range(0x7F, 0xA0), 0x61C, *range(0x200E, 0x2010), *range(0x2028, 0x202F)}
_ESCAPES: Final = {code: ascii(chr(code))[1:-1] for code in [*_CONTROLS, *range(0x2066, 0x206A)]}
_LAYOUT: Final = {code: escape for code, escape in _ESCAPES.items() if chr(code) not in "\n\t"}


def printable(text: str, *, one_line: bool = True) -> str:
    r"""Return a text with its control characters escaped, since the names and records of a file may contain any.

    Args:
        text: Text for a terminal.
        one_line: Whether line ends and tabs are escaped too.

    >>> printable("red: \x1b[31m"), printable("a\tb\n", one_line=False)
    ('red: \\x1b[31m', 'a\tb\n')
    """
    return text.translate(_ESCAPES if one_line else _LAYOUT)


class MetaclipSparkError(Exception):
    """Base class of all errors that this package raises; the message says what was wrong and what to do."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message as one line without control characters."""
        return printable(super().__str__())


class MetaclipSparkWarning(UserWarning):
    """A condition that costs time or rows but does not make the result wrong; also part of the run's report."""

    def __str__(self) -> str:
        """Return the message as one line without control characters."""
        return printable(super().__str__())


class ConfigError(MetaclipSparkError):
    """An option or a configuration value is unknown, of the wrong type or out of range."""

    exit_code = 2


class InputError(MetaclipSparkError):
    """The pool or the metadata cannot be used: it is absent, empty, of the wrong type or undecodable."""

    exit_code = 3


class ColumnNotFoundError(InputError):
    """The pool does not have a requested column."""


class ArtifactError(MetaclipSparkError):
    """A compiled artifact is truncated, corrupt, of another format version or compiled from other metadata."""

    exit_code = 4


class EnvironmentProblemError(MetaclipSparkError):
    """The machine or the Spark session lacks something that a run needs: Java, Delta's jars, a setting."""

    exit_code = 5


class TableError(MetaclipSparkError):
    """A table cannot be read or written: it exists already, is not a Delta table, or has another schema or version."""

    exit_code = 6


class ConsistencyError(MetaclipSparkError):
    """Figures that must be equal are not; the run is not marked as finished."""

    exit_code = 7


class JobFailedError(MetaclipSparkError):
    """A Spark job failed for a reason outside this package: lost executors, a full disk, too little memory."""

    exit_code = 8
