"""Kinds of Spark's failures by their text: the error of this package that each becomes, and its remedy.

A failure that a user can mend is never "the job failed, run again". The table is searched in order; what is in none of
its lines is a failure of planning (the user's places and columns) or of a job (a retry may succeed).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from metaclip_spark import errors
from metaclip_spark.spark.failures.memory_limits import memory_remedy

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(NamedTuple):
    """A kind of failures.

    Attributes:
        text: Expression that is searched in the text of a failure.
        error: Class of the error; None for that of what is read or written: the pool, the metadata or the tables.
        remedy: What to do, or a function that returns it for the match.
    """

    text: re.Pattern[str]
    error: type[errors.MetaclipSparkError] | None
    remedy: str | Callable[[re.Match[str]], str]


# The Hadoop module with the driver of each store. Spark's own distribution has none of them.
_MODULES: Final = {
    "s3": "aws",
    "s3a": "aws",
    "s3n": "aws",
    "abfs": "azure",
    "abfss": "azure",
    "wasb": "azure",
    "gs": "gcp",
}
_CLASSES: Final = {"s3a": "s3a", "azurebfs": "abfss", "azure": "wasb", "gs": "gs"}


@cache
def hadoop_version() -> str:
    """Return the version of Spark's Hadoop client, which its modules for stores must have, or a placeholder."""
    found = find_spec("pyspark")
    folders = (found.submodule_search_locations or []) if found else []
    names = [jar.stem for folder in folders for jar in Path(folder).glob("jars/hadoop-client-api-*.jar")]
    return names[0].rpartition("-")[2] if names else "VERSION (that of the cluster's Hadoop)"


def store_remedy(scheme: str) -> str:
    """Return what to do where Spark has no driver for the scheme of a location.

    >>> store_remedy("hf").partition(".")[0]
    'Download the files first (hf download REPO --repo-type dataset --local-dir FOLDER) and name the folder'
    """
    if scheme == "hf":
        return "Download the files first (hf download REPO --repo-type dataset --local-dir FOLDER) and name the folder."
    if scheme in {"http", "https", "ftp"}:
        return "Download the files first and name them on this machine."
    if scheme == "dbfs":
        return "dbfs: exists on Databricks only: run the command there, or copy the files."
    if scheme not in _MODULES:
        return (
            f"Check the scheme, or add the package with its driver (--spark-conf spark.jars.packages=…) and name the "
            f"driver's class (--spark-conf spark.hadoop.fs.{scheme}.impl=…)."
        )
    package = f"--spark-conf spark.jars.packages=org.apache.hadoop:hadoop-{_MODULES[scheme]}:{hadoop_version()}"
    renamed = f"Write s3a:// instead of {scheme}://, and add" if scheme in {"s3", "s3n"} else "Add"
    return f"{renamed} the store's driver: {package}."


def _no_driver(match: re.Match[str]) -> str:
    return store_remedy((match["scheme"] or _CLASSES.get(match["module"] or "") or "").lower())


KINDS: Final = (
    Kind(
        re.compile(
            r"No FileSystem for scheme:? \"?(?P<scheme>[\w.+-]+)"
            r"|Class \S+\.fs\.(?P<module>s3a|azurebfs|azure|gs)\.\w+ not found"
        ),
        errors.ConfigError,
        _no_driver,
    ),
    Kind(
        re.compile(r"unmappable characters"),
        errors.EnvironmentProblemError,
        "Java runs in a locale without these characters. Set LC_ALL=C.UTF-8 for the process that starts Spark, and for "
        "executors --spark-conf spark.executorEnv.LC_ALL=C.UTF-8.",
    ),
    Kind(
        re.compile(
            r"OutOfMemoryError|SparkOutOfMemory|UNABLE_TO_ACQUIRE_MEMORY|exceeding (?:physical |virtual )?memory limits"
            r"|OOMKilled|(?:[Ee]xit(?: ?code|ed with code|ed with exit code| status)?:? )(?:137|52)\b"
        ),
        errors.EnvironmentProblemError,
        memory_remedy,
    ),
    Kind(
        re.compile(r"Total size of serialized results|spark\.driver\.maxResultSize"),
        errors.EnvironmentProblemError,
        "Raise it: --spark-conf spark.driver.maxResultSize=4g.",
    ),
    Kind(
        re.compile(r"Relative path in absolute URI: \S*\.crc"),
        errors.InputError,
        "Hadoop cannot read a file of this machine whose name has a colon. Rename it.",
    ),
    Kind(
        re.compile(
            r"Illegal file pattern|URISyntaxException|Relative path in absolute URI|Can not create a Path"
            r"|Illegal character"
            r"|Expected (?:authority|scheme)|Wrong FS|Invalid path|Nul character not allowed|PatternSyntaxException"
            r"|Unclosed (?:group|character class)|Illegal\W+Escaped|Incomplete \w+ URI|trailing backslash"
        ),
        errors.ConfigError,
        "Correct the path. In paths of a pool, * ? [ ] { } and \\ are patterns; put a \\ before one that is part of a "
        "name.",
    ),
    Kind(
        re.compile(r"INVALID_CONF_VALUE|CANNOT_MODIFY_(?:STATIC_)?CONFIG"),
        errors.ConfigError,
        "Correct the setting (--spark-conf, or [session.settings] of the --conf file).",
    ),
    Kind(
        re.compile(r"CAST_INVALID_INPUT|CAST_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE|CANNOT_PARSE_TIMESTAMP"),
        errors.InputError,
        "Cast the column to another type, such as string (--cast COLUMN=string), or leave it out (--drop COLUMN).",
    ),
    Kind(
        re.compile(
            r"Unsupported encoding|UnsupportedOperationException: \w*(?:BYTE_STREAM_SPLIT|decode)|BrotliCodec|Lzo"
        ),
        errors.InputError,
        "Leave the column out (--drop COLUMN), or write the file with another encoding and a codec such as zstd.",
    ),
    Kind(
        re.compile(r"CONFLICTING_(?:PARTITION|DIRECTORY)\w*|Conflicting (?:partition|directory)"),
        errors.InputError,
        "Name one level of the partition folders, or each of them as a path of its own.",
    ),
    Kind(
        re.compile(r"DELTA_(?:FILE_NOT_FOUND\w*|TRUNCATED_TRANSACTION_LOG|MISSING_FILES\w*)|FILE_NOT_EXIST"),
        None,
        "Files may not be removed while they are read. VACUUM removes those of older versions of a Delta table: name a "
        "newer version (of a pool: --pool-version), or leave the version out.",
    ),
    Kind(
        re.compile(r"DELTA_CANNOT_CREATE_LOG_PATH|Read-only file system|Mkdirs failed to create"),
        errors.TableError,
        "Name a folder that this user and the executors can write.",
    ),
    Kind(
        re.compile(r"\A(?!.*Job aborted).*(?:ConnectException|UnknownHostException|NoRouteToHost)", re.DOTALL),
        None,
        "Check the host and the port of the location. If the store was not running, run again.",
    ),
    Kind(
        re.compile(r"UNSUPPORTED_FILE_SYSTEM"),
        errors.ConfigError,
        "Download the files first and name them on this machine.",
    ),
    Kind(
        re.compile(r"\AUnsupportedOperationException: \Z"),
        errors.ConfigError,
        "The file system of this location can only be read, file by file. Name another location.",
    ),
    Kind(
        re.compile(r"AccessControlException|AccessDenied|Permission denied|\(403\)|Status Code: 40[13]\b|NoAuthWith"),
        None,
        "Give this user, or the credentials of the session, access to it.",
    ),
)
"""Kinds of failures whose error does not depend on where they occur, most specific first."""


def kind_of(text: str) -> tuple[type[errors.MetaclipSparkError] | None, str] | None:
    """Return the class of error (None: that of what was read or written) and the remedy; None for an unknown failure.

    >>> kind_of('No FileSystem for scheme "s3"')[0].__name__, kind_of("ExecutorLostFailure")
    ('ConfigError', None)
    """
    for kind in KINDS:
        match = kind.text.search(text)
        if match:
            return kind.error, kind.remedy if isinstance(kind.remedy, str) else kind.remedy(match)
    return None
