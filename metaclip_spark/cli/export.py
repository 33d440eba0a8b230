"""`metaclip-spark export`: write curated rows or entry probabilities for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.cli.arguments.tables import add_tables_argument
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

# Options that only some formats have.
_OWN_OPTIONS: Final = {
    "img2dataset": ("columns",),
    "datacomp": (),
    "jsonl": ("columns", "gzip"),
    "entry-probabilities": ("t", "language"),
}


def add_export(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        description="Write the rows of a finished run for img2dataset (Parquet), for DataComp (sorted uids, .npy) or "
        "as JSON lines, or the probability of each entry for balancing in a data loader (.npy or .parquet).",
    )
    add_tables_argument(parser)
    parser.add_argument("--to", required=True, choices=list(_OWN_OPTIONS), help="format to write")
    parser.add_argument("--output", required=True, metavar="PATH", help="folder or file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--columns", nargs="+", metavar="NAME", help="img2dataset: more columns; jsonl: the columns (default: all)"
    )
    parser.add_argument("--gzip", action="store_true", default=None, help="jsonl: compress the files")
    parser.add_argument("--t", type=float, help="entry-probabilities: another threshold than the run's")
    parser.add_argument("--language", metavar="LANG", help="entry-probabilities: one language only")
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_export)


def run_export(options: Namespace) -> None:
    """Export and print what was written.

    Raises:
        ConfigError: An option does not apply to the format.
    """
    from metaclip_spark.exports.export_text import render_export  # noqa: PLC0415 - `--help` must not load Spark
    from metaclip_spark.exports.probabilities import export_entry_probabilities  # noqa: PLC0415
    from metaclip_spark.exports.rows import export_img2dataset, export_jsonl  # noqa: PLC0415
    from metaclip_spark.exports.uids import export_datacomp  # noqa: PLC0415

    export = {
        "img2dataset": export_img2dataset,
        "datacomp": export_datacomp,
        "jsonl": export_jsonl,
        "entry-probabilities": export_entry_probabilities,
    }[options.to]
    given = {name: getattr(options, name) for names in _OWN_OPTIONS.values() for name in names}
    chosen = {name: value for name, value in given.items() if value is not None}
    inapplicable = sorted(chosen.keys() - set(_OWN_OPTIONS[options.to]))
    if inapplicable:
        raise ConfigError(f"--{inapplicable[0]} does not apply to --to {options.to}. Leave it out.")
    with session_of(options) as spark:
        report = export(spark, options.tables, options.output, overwrite=options.overwrite, **chosen)
    print_report(options, report, render_export)
