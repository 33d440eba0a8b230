"""`metaclip-spark explain`: explain why a row is kept or dropped, or the effect of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclip_spark.cli.arguments.metadata import metadata_sources
from metaclip_spark.cli.arguments.printing import add_printing_arguments, print_report
from metaclip_spark.cli.arguments.session import add_session_arguments, session_of
from metaclip_spark.cli.arguments.tables import add_tables_argument
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


def add_explain(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        description="Explain one decision of a finished run: for a row by its uid (kept rows from the tables, others "
        "from the pool), for any caption, or for a metadata entry.",
    )
    add_tables_argument(parser)
    subject = parser.add_argument_group("subject (one of them; --uid can be combined with --caption)")
    subject.add_argument("--uid", help="id of a row; with --caption, the id used for the draw")
    subject.add_argument("--caption", metavar="TEXT", help="any caption")
    subject.add_argument("--entry", metavar="TEXT", help="text of a metadata entry")
    subject.add_argument("--entry-id", type=int, metavar="N", help="id of a metadata entry")
    parser.add_argument(
        "--metadata", metavar="[LANG=]PATH", help="metadata of the run; needed for entries that matched no caption"
    )
    parser.add_argument("--language", metavar="LANG", help="language of the caption or entry, if there are several")
    parser.add_argument(
        "--examples", type=int, default=3, metavar="N", help="number of captions shown for an entry (default: 3)"
    )
    add_session_arguments(parser)
    add_printing_arguments(parser)
    parser.set_defaults(run=run_explain)


def run_explain(options: Namespace) -> None:
    """Explain and print.

    Raises:
        ConfigError: The options do not name exactly one subject.
    """
    named = [name for name in ("caption", "entry", "entry_id") if getattr(options, name) is not None]
    is_row = options.uid is not None and named in ([], ["caption"])
    if not is_row and (len(named) != 1 or options.uid is not None):
        raise ConfigError("Pass exactly one of --uid, --caption (with or without --uid), --entry and --entry-id.")
    with session_of(options) as spark:
        metadata = _read_metadata(spark, options)
        if "entry" in named or "entry_id" in named:
            _explain_entry(spark, options, metadata)
        else:
            _explain_row(spark, options, metadata)


def _explain_entry(spark: SparkSession, options: Namespace, metadata: CompiledMetadata | None) -> None:
    from metaclip_spark.audit.explain.explain_entry import explain_entry  # noqa: PLC0415
    from metaclip_spark.audit.explain.explain_text import render_entry  # noqa: PLC0415

    entry = options.entry if options.entry is not None else options.entry_id
    report = explain_entry(spark, options.tables, entry, metadata, language=options.language, examples=options.examples)
    print_report(options, report, render_entry)


def _explain_row(spark: SparkSession, options: Namespace, metadata: CompiledMetadata | None) -> None:
    from metaclip_spark.audit.explain.explain_caption import explain_caption, explain_uid  # noqa: PLC0415
    from metaclip_spark.audit.explain.explain_text import render_caption  # noqa: PLC0415

    if options.caption is None:
        report = explain_uid(spark, options.tables, options.uid, metadata)
    else:
        report = explain_caption(
            spark, options.tables, options.caption, metadata, uid=options.uid, language=options.language
        )
    print_report(options, report, render_caption)


def _read_metadata(spark: SparkSession, options: Namespace) -> CompiledMetadata | None:
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415

    if options.metadata is None:
        return None
    ((language, location),) = metadata_sources([options.metadata])
    return read_metadata(location, language=language or options.language, spark=spark)
