"""Errors of metaclip_spark: each says what was wrong, where, the value, the limit and the remedy.

One base class to catch, one child per kind of failure. The exit code of the command line is the kind's, so that a
scheduler can tell bad input (do not retry) from a missing environment (fix the machine).
"""

from __future__ import annotations


class MetaclipSparkError(Exception):
    """Base of every error raised on purpose; its message is written for the person who has to act."""

    exit_code = 1


class MetaclipSparkWarning(UserWarning):
    """Something that costs time or rows, but no wrong result; also part of the run's report."""


class ConfigError(MetaclipSparkError):
    """An option or a configuration value is unknown, of the wrong type or out of range."""

    exit_code = 2


class InputError(MetaclipSparkError):
    """The pool or the metadata list cannot be used: absent, empty, of the wrong type, or undecodable."""

    exit_code = 3


class ColumnNotFoundError(InputError):
    """The pool has no column of the name asked for."""


class ArtifactError(MetaclipSparkError):
    """A compiled artifact is truncated, corrupt, of another format version or of other metadata."""

    exit_code = 4


class EnvironmentProblemError(MetaclipSparkError):
    """The machine or the Spark session lacks what a run needs: Java, Delta's jars, a setting."""

    exit_code = 5


class TableError(MetaclipSparkError):
    """An output table cannot be written: it exists, is no Delta table, or has another schema or version."""

    exit_code = 6


class ConsistencyError(MetaclipSparkError):
    """Figures that must agree do not: the run is not marked as whole."""

    exit_code = 7


class JobFailedError(MetaclipSparkError):
    """A Spark job failed for a reason outside this package: lost executors, a full disk, too little memory."""

    exit_code = 8
