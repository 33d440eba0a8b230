"""The parser of `metaclip-spark`: its commands, grouped by purpose."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Final

from metaclip_spark import __version__
from metaclip_spark.cli.append import add_append
from metaclip_spark.cli.check import add_check
from metaclip_spark.cli.compile import add_compile
from metaclip_spark.cli.curate import add_curate
from metaclip_spark.cli.diff import add_diff
from metaclip_spark.cli.estimate import add_estimate
from metaclip_spark.cli.explain import add_explain
from metaclip_spark.cli.export import add_export
from metaclip_spark.cli.inspect import add_inspect
from metaclip_spark.cli.metadata import add_metadata
from metaclip_spark.cli.quickstart import add_quickstart
from metaclip_spark.cli.rebalance import add_rebalance
from metaclip_spark.cli.sizes import add_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS: Final = {
    "Try it": {
        "quickstart": (add_quickstart, "curate the embedded example, in a minute"),
    },
    "Build metadata": {
        "metadata": (add_metadata, "build metadata from WordNet and Wikipedia"),
        "compile": (add_compile, "compile metadata and list the entries that can never match"),
    },
    "Curate a pool": {
        "estimate": (add_estimate, "estimate the sizes, time and space of a run from a sample"),
        "curate": (add_curate, "curate a pool of captions into Delta tables"),
    },
    "Change a curated table": {
        "rebalance": (add_rebalance, "bring a curated table to another t"),
        "append": (add_append, "add another pool to a curated table"),
    },
    "Explain and measure": {
        "sizes": (add_sizes, "show how many rows each t would keep"),
        "explain": (add_explain, "explain why a row is kept or dropped, or an entry's effect"),
        "inspect": (add_inspect, "show the sizes, versions, runs and entries of tables"),
        "diff": (add_diff, "show what changed between two curations"),
        "check": (add_check, "check a curated table against the run that wrote it"),
    },
    "Export": {
        "export": (add_export, "write rows or entry probabilities for other programs"),
    },
}
"""For each group and command: the function that adds the command, and the command in one line."""

_EXIT_CODES: Final = {
    0: "done",
    1: "unexpected error",
    2: "options or settings",
    3: "input",
    4: "artifact",
    5: "Java, jars or session",
    6: "tables",
    7: "figures that do not agree",
    8: "failed Spark job (a retry may succeed)",
    130: "interrupted",
}

# A schedule passes an option even if its parameter is not set (jobs/stages.toml); an empty name means "not given".
_MAY_BE_EMPTY: Final = frozenset(
    {"--pool-name", "--text-column", "--url-column", "--id-column", "--language-column", "--metadata"}
)


def build_parser() -> ArgumentParser:
    """Return the parser; each command sets `run`, the function to call with the parsed options."""
    parser = ArgumentParser(
        prog="metaclip-spark",
        usage="%(prog)s COMMAND ...",
        description=_description(),
        epilog=_exit_codes(),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    # The description lists the commands: argparse has no groups of them.
    commands = parser.add_subparsers(required=True, metavar="COMMAND", prog="metaclip-spark", help=SUPPRESS)
    for group in GROUPS.values():
        for add_command, _ in group.values():
            add_command(commands)
    for command in commands.choices.values():
        command.epilog = "exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in _EXIT_CODES.items())
    return parser


def without_empty_names(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without empty names and the options that they belong to.

    >>> without_empty_names(["--pool", "p", "--url-column", "", "--json"])
    ['--pool', 'p', '--json']
    """
    kept: list[str] = []
    for argument in arguments:
        if not argument and kept and kept[-1] in _MAY_BE_EMPTY:
            kept.pop()
        else:
            kept.append(argument)
    return kept


def _description() -> str:
    lines = [
        "MetaCLIP's data curation on Spark: match captions to metadata entries, count the",
        "matches, balance them, and explain every row.",
    ]
    for title, group in GROUPS.items():
        lines += ["", title, *(f"  {name:<12}{line}" for name, (_, line) in group.items())]
    return "\n".join([*lines, "", "metaclip-spark COMMAND --help describes a command."])


def _exit_codes() -> str:
    return "\n".join(["exit codes:", *(f"  {code:<5}{meaning}" for code, meaning in _EXIT_CODES.items())])
