"""`metaclip-spark export`: curated rows and entry probabilities as other programs read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from metaclip_spark.cli.options import session_options
from metaclip_spark.cli.run_file import RunFile
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from pyspark.sql import SparkSession

    from metaclip_spark.exports.export_report import ExportReport

# Options that only some formats have.
_OWN_OPTIONS: Final = {
    "img2dataset": ("columns",),
    "datacomp": (),
    "jsonl": ("columns", "gzip"),
    "entry-probabilities": ("t", "language"),
}


def add_export(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register the command."""
    parser = commands_of.add_parser(
        "export",
        help="write curated rows or entry probabilities for other programs",
        description="Write the rows of a finished run for img2dataset (Parquet), DataComp (sorted uids, .npy) or as "
        "JSON lines; or the probability of each entry, for balancing in a data loader (.npy or .parquet).",
    )
    parser.add_argument(
        "--output", required=True, metavar="ROOT", help="folder, or schema (catalog.schema), of the run's tables"
    )
    parser.add_argument("--to", required=True, choices=list(_OWN_OPTIONS), help="what reads it")
    parser.add_argument("--target", required=True, metavar="PATH", help="folder or file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.add_argument(
        "--columns", nargs="+", metavar="NAME", help="img2dataset: further columns; jsonl: the columns (default: all)"
    )
    parser.add_argument("--gzip", action="store_true", default=None, help="jsonl: compress the files")
    parser.add_argument("--t", type=float, help="entry-probabilities: another threshold than the run's")
    parser.add_argument("--language", metavar="LANG", help="entry-probabilities: of one language")
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_export)


def run_export(options: Namespace) -> None:
    """Export and print what was written."""
    from metaclip_spark.exports.export_text import render_export  # noqa: PLC0415 - --help should not wait for Spark
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415

    given = {name: getattr(options, name) for names in _OWN_OPTIONS.values() for name in names}
    chosen = {name: value for name, value in given.items() if value is not None}
    odd = sorted(set(chosen) - set(_OWN_OPTIONS[options.to]))
    if odd:
        raise ConfigError(f"--{odd[0]} means nothing to an export for {options.to}: leave it out")
    session = session_options(options, RunFile())
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        report = _exported(spark, options, chosen)
    print(json.dumps(report.as_dict(), indent=2) if options.json else render_export(report))


def _exported(spark: SparkSession, options: Namespace, chosen: dict[str, object]) -> ExportReport:
    from metaclip_spark.exports.probabilities import export_entry_probabilities  # noqa: PLC0415
    from metaclip_spark.exports.rows import export_img2dataset, export_jsonl  # noqa: PLC0415
    from metaclip_spark.exports.uids import export_datacomp  # noqa: PLC0415

    export = {
        "img2dataset": export_img2dataset,
        "datacomp": export_datacomp,
        "jsonl": export_jsonl,
        "entry-probabilities": export_entry_probabilities,
    }[options.to]
    report: ExportReport = export(spark, options.output, options.target, overwrite=options.overwrite, **chosen)
    return report
