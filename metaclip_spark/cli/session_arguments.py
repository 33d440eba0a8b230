"""Options that every command has: the Spark session, and how to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_spark.spark.session import JARS_VARIABLE

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_session_options(parser: ArgumentParser) -> None:
    """How to start Spark."""
    session = parser.add_argument_group("the Spark session")
    session.add_argument("--master", help="Spark master (default: local[*], or spark-submit's)")
    session.add_argument(
        "--spark-conf",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a Spark setting, for example spark.driver.memory=8g; may be repeated",
    )
    session.add_argument(
        "--jars",
        type=Path,
        metavar="FOLDER",
        help=f"Delta's jars, where they cannot be fetched (default: ${JARS_VARIABLE})",
    )


def add_output_options(parser: ArgumentParser) -> None:
    """How to print."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--log", action="store_true", help="a line of JSON on standard error for each step and run")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
