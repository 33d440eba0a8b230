"""`--master`, `--spark-conf`, `--jars`: the Spark session of a command."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.printing import progress_of
from metaclip_spark.cli.arguments.run_file import RunFile
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.places import here
from metaclip_spark.spark.session.delta import JARS_VARIABLE

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class SessionOptions:
    """Options with which Spark is started.

    Attributes:
        master: Spark master. None leaves it to the environment.
        settings: Spark settings of the `--conf` file, overridden by those of the command line.
        jars: Folder with Delta's jars.
    """

    master: str | None
    settings: dict[str, str]
    jars: Path | None


def add_session_arguments(parser: ArgumentParser) -> None:
    """Add the options that determine how Spark is started."""
    session = parser.add_argument_group("Spark session")
    session.add_argument("--master", help="Spark master (default: local[*], or that of spark-submit)")
    session.add_argument(
        "--spark-conf",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="Spark setting, for example spark.driver.memory=8g; repeatable",
    )
    session.add_argument(
        "--jars",
        type=here,
        metavar="FOLDER",
        help=f"folder with Delta's jars, for machines that cannot download them (default: ${JARS_VARIABLE})",
    )


def session_options(options: Namespace, run_file: RunFile) -> SessionOptions:
    """Return the session's options; the command line overrides the file.

    Raises:
        ConfigError: A `--spark-conf` is not KEY=VALUE.
    """
    malformed = [setting for setting in options.spark_conf if not re.match(r"[^=\s]+=", setting)]
    if malformed:
        raise ConfigError(f"--spark-conf {malformed[0]!r} does not have the form KEY=VALUE")
    given = dict(setting.split("=", 1) for setting in options.spark_conf)
    return SessionOptions(
        master=options.master or run_file.master,
        settings=run_file.settings | given,
        jars=options.jars or (here(run_file.jars) if run_file.jars else None),
    )


@contextmanager
def session_of(options: Namespace, run_file: RunFile | None = None) -> Iterator[SparkSession]:
    """Open the session that the options describe, for a `with` block.

    Args:
        options: Parsed options.
        run_file: The `--conf` file, if the command has one.

    Raises:
        ConfigError: A `--spark-conf` is not KEY=VALUE.
        EnvironmentProblemError: The session cannot be started.
    """
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415 - `--help` must not load Spark

    session = session_options(options, run_file or RunFile())
    with open_session(
        master=session.master, settings=session.settings, jars=session.jars, progress=progress_of(options)
    ) as spark:
        yield spark
