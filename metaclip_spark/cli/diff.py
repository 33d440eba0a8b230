"""`metaclip-spark diff`: show the changes between two curations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_AT: Final = re.compile(r"(?P<root>.+)@(?:(?P<version>\d{1,7})|(?P<run>[0-9a-f]{8,32}))", re.DOTALL)


def add_diff(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "diff",
        description="Compare two curated tables: rows added and removed, by reason, and entries whose counts changed. "
        "Rows are identified by their ids, so both tables must have ids from the same column, or derived ids.",
    )
    parser.add_argument(
        "--tables",
        nargs=2,
        required=True,
        metavar=("BEFORE", "AFTER"),
        help="roots of the tables. ROOT@VERSION names a version of the curated table, as in tables@3; ROOT@RUN the run "
        "that wrote it, by at least 8 digits of its id, as in tables@598148bd",
    )
    parser.add_argument("--top", type=int, default=20, metavar="N", help="number of entries (default: %(default)s)")
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_diff)


def run_diff(options: Namespace) -> None:
    """Compare and print."""
    from metaclip_spark.audit.diff.diff import diff  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.audit.diff.diff_text import render_diff  # noqa: PLC0415

    (before, before_at), (after, after_at) = map(root_and_version, options.tables)
    with session_of(options) as spark:
        report = diff(spark, before, after, before_at=before_at, after_at=after_at, top=options.top)
    print_report(options, report, render_diff)


def root_and_version(place: str) -> tuple[str, int | str | None]:
    """Return a root, and the version or run that follows an @.

    >>> root_and_version("tables"), root_and_version("tables@3"), root_and_version("tables@598148bd")
    (('tables', None), ('tables', 3), ('tables', '598148bd'))
    >>> root_and_version("abfss://files@account.dfs.core.windows.net/tables")
    ('abfss://files@account.dfs.core.windows.net/tables', None)
    """
    found = _AT.fullmatch(place)
    if not found:
        return place, None
    return found["root"], int(found["version"]) if found["version"] else found["run"]
