"""`metaclip-spark inspect` and `metaclip-spark diff`: what tables hold, and what changed between two curations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.options import session_options
from metaclip_spark.cli.run_file import RunFile
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_AT: Final = re.compile(r"(?P<root>.+)@(?:(?P<version>\d{1,7})|(?P<run>[0-9a-f]{8,32}))", re.DOTALL)


def add_inspect(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register `inspect`."""
    parser = commands_of.add_parser(
        "inspect",
        help="say what tables hold: sizes, versions, runs, entries",
        description="Look at all tables of a root, or at one of them. Reads logs and small tables only.",
    )
    parser.add_argument("path", metavar="ROOT", help="folder of the tables, or of one of them")
    _add_top(parser)
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_inspect)


def add_diff(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register `diff`."""
    parser = commands_of.add_parser(
        "diff",
        help="say what changed between two curations",
        description="Compare two curated tables: rows in and out by reason, entries whose counts moved. A table may be "
        "named with a version or with the (beginning of the) id of the run that wrote it: tables@3, tables@598148bd. "
        "Rows are told by their ids: tables with ids of another column, or derived in one of them only, are refused.",
    )
    parser.add_argument("before", metavar="ROOT[@VERSION|@RUN]", help="the first")
    parser.add_argument("after", metavar="ROOT[@VERSION|@RUN]", help="the second")
    _add_top(parser)
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_diff)


def run_inspect(options: Namespace) -> None:
    """Inspect and print."""
    from metaclip_spark.audit.inspect_tables import inspect  # noqa: PLC0415
    from metaclip_spark.audit.inspect_text import render_inspect  # noqa: PLC0415 - --help should not wait for Spark
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    session = session_options(options, RunFile())
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        found = inspect(spark, options.path, top=options.top)
    print(json.dumps(found.as_dict(), indent=2) if options.json else render_inspect(found))


def run_diff(options: Namespace) -> None:
    """Compare and print."""
    from metaclip_spark.audit.diff.diff import diff  # noqa: PLC0415
    from metaclip_spark.audit.diff.diff_text import render_diff  # noqa: PLC0415 - --help should not wait for Spark
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    (before, before_at), (after, after_at) = root_and_version(options.before), root_and_version(options.after)
    session = session_options(options, RunFile())
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        found = diff(spark, before, after, before_at=before_at, after_at=after_at, top=options.top)
    print(json.dumps(found.as_dict(), indent=2) if options.json else render_diff(found))


def root_and_version(place: str) -> tuple[str, int | str | None]:
    """A root, and the version or run named behind an @.

    >>> root_and_version("tables"), root_and_version("tables@3"), root_and_version("tables@598148bd")
    (('tables', None), ('tables', 3), ('tables', '598148bd'))
    >>> root_and_version("abfss://files@account.dfs.core.windows.net/tables")
    ('abfss://files@account.dfs.core.windows.net/tables', None)
    """
    found = _AT.fullmatch(place)
    if not found:
        return place, None
    return found["root"], int(found["version"]) if found["version"] else found["run"]


def _add_top(parser: ArgumentParser) -> None:
    parser.add_argument("--top", type=int, default=20, metavar="N", help="entries listed (default: %(default)s)")
