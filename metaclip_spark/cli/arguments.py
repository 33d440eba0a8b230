"""The command line's options: names, defaults, help. What they do is in `commands.py`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metaclip_spark import __version__
from metaclip_spark.cli import choose_t, commands, rehearsals, sizes
from metaclip_spark.cli.check import add_check
from metaclip_spark.cli.explain import add_explain
from metaclip_spark.cli.export import add_export
from metaclip_spark.cli.follow_up import add_append, add_balance
from metaclip_spark.cli.look import add_diff, add_inspect
from metaclip_spark.cli.metadata import add_metadata
from metaclip_spark.cli.pool_arguments import add_pool_arguments
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options
from metaclip_spark.config.curation import COMPRESSIONS, TEXTS_PER_IMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = (
    "MetaCLIP's data curation on Spark: match captions to metadata entries, count, balance, explain every row."
)
_EXIT_CODES = (
    "exit codes: 0 done, 1 not foreseen, 2 options or settings, 3 input, 4 artifact, 5 Java, jars or session, "
    "6 output tables, 7 figures that do not agree, 8 a failed Spark job (worth another try), 130 interrupted"
)

# A schedule passes an option also where its parameter is not set (jobs/stages.toml), and empty is the name of nothing.
_MAY_BE_EMPTY: Final = frozenset(
    {"--pool-name", "--text-column", "--url-column", "--id-column", "--language-column", "--metadata"}
)


def given(arguments: Sequence[str]) -> list[str]:
    """Arguments without the names that are empty, and their options.

    >>> given(["--pool", "p", "--url-column", "", "--json"])
    ['--pool', 'p', '--json']
    """
    kept: list[str] = []
    for argument in arguments:
        if not argument and kept and kept[-1] in _MAY_BE_EMPTY:
            kept.pop()
        else:
            kept.append(argument)
    return kept


def build_parser() -> argparse.ArgumentParser:
    """The parser of `metaclip-spark`; each subcommand sets `run`, the function to call with the parsed options."""
    parser = argparse.ArgumentParser(prog="metaclip-spark", description=_DESCRIPTION, epilog=_EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands_of = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_quickstart(commands_of)
    _add_compile(commands_of)
    _add_curate(commands_of)
    for follow_up in (add_balance(commands_of), add_append(commands_of)):
        add_session_options(follow_up)
        add_output_options(follow_up)
        rehearsals.add_progress(follow_up)
    add_session_options(sizes.add_sizes(commands_of))
    add_explain(commands_of)
    add_inspect(commands_of)
    add_diff(commands_of)
    add_check(commands_of)
    add_export(commands_of)
    add_metadata(commands_of)
    for command in commands_of.choices.values():
        command.epilog = _EXIT_CODES
    return parser


def _add_quickstart(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands_of.add_parser(
        "quickstart",
        help="curate the embedded example",
        description="Write the embedded example (48,223 sentences of WordNet 3.0) as a Parquet pool and curate it "
        "against WordNet's 86,654 names: the ordinary curate, on this machine, in a minute.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder for pool and tables")
    add_session_options(parser)
    add_output_options(parser)
    rehearsals.add_progress(parser)
    parser.set_defaults(run=commands.run_quickstart)


def _add_compile(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands_of.add_parser(
        "compile",
        help="compile a metadata list into an artifact",
        description="Compile a metadata list once, and say which entries can never match. Needs no Spark.",
    )
    forms = "list: .txt (one a line) or .json, either with .gz; .gz alone is text"
    parser.add_argument("metadata", type=Path, metavar="METADATA", help=forms)
    parser.add_argument("--output", type=Path, required=True, metavar="ARTIFACT", help="file to write")
    parser.add_argument("--language", default="en", help="language of the captions it is for (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the table hashes, not of the draw (default: 0)")
    add_output_options(parser)
    parser.set_defaults(run=commands.run_compile)


def _add_curate(commands_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands_of.add_parser(
        "curate",
        help="curate a pool of captions into Delta tables",
        description="Match every caption of the pool, count, balance, and write the kept rows, each with its reasons.",
    )
    add_pool_arguments(parser)

    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument(
        "--metadata",
        nargs="+",
        required=True,
        metavar="[LANG=]PATH",
        help="list, artifact or table of entries; one per language (default language: en)",
    )
    choose_t.add_ways(recipe)
    recipe.add_argument("--seed", type=int, help="seed of the draw (default: 0)")
    recipe.add_argument(
        "--texts-per-image", choices=TEXTS_PER_IMAGE, help="texts kept of an image (default: all_pairs)"
    )
    recipe.add_argument("--reference-language", metavar="LANG", help="whose threshold --t is (default: en)")
    recipe.add_argument(
        "--check-ids", action="store_true", default=None, help="count ids that several rows have, which share a draw"
    )
    recipe.add_argument(
        "--counts",
        metavar="ROOT[@VERSION]",
        help="balance by the counts of another curation, frozen (default: those of this pool)",
    )

    output = parser.add_argument_group("the output")
    output.add_argument(
        "--output", required=True, metavar="ROOT", help="folder, or schema (catalog.schema), of the tables"
    )
    output.add_argument("--overwrite", action="store_true", default=None, help="replace a table of another run")
    output.add_argument("--reserve", type=float, metavar="T", help="keep rows above t, up to here, in a reserve")
    output.add_argument("--compression", choices=COMPRESSIONS, help="of the curated table (default: zstd)")
    output.add_argument(
        "--file-mib", type=int, metavar="MIB", help="size that files of the curated table should have (default: 256)"
    )
    output.add_argument(
        "--cluster",
        action="store_true",
        default=None,
        help="put rows of about the same admission threshold into the same files, by writing them a second time",
    )
    output.add_argument("--conf", type=Path, metavar="FILE", help="TOML file of settings and defaults (conf/)")
    rehearsals.add_rehearsals(parser)
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=commands.run_curate)
