"""Errors and warnings of metaclip_spark.

All errors have one base class, and one subclass per kind of failure. Each kind has its exit code on the command line,
so that a scheduler can distinguish bad input (do not retry) from a problem of the machine (fix it and retry).
"""

from __future__ import annotations


class MetaclipSparkError(Exception):
    """Base class of all errors that this package raises; the message says what was wrong and what to do."""

    exit_code = 1


class MetaclipSparkWarning(UserWarning):
    """A condition that costs time or rows but does not make the result wrong; also part of the run's report."""


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
