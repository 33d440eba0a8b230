"""`metaclip-spark explain`: why a caption or row is kept or not, and what an entry does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metaclip_spark.cli.options import metadata_sources, session_options
from metaclip_spark.cli.run_file import RunFile
from metaclip_spark.cli.session_arguments import add_output_options, add_session_options
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


def add_explain(commands_of: _SubParsersAction[ArgumentParser]) -> None:
    """Register the command."""
    parser = commands_of.add_parser(
        "explain",
        help="say why a row is kept or not, or what an entry does",
        description="Explain one decision of a finished run: of a row by its uid (kept rows from the tables, others "
        "from the pool), of any caption, or of a metadata entry.",
    )
    parser.add_argument(
        "--output", required=True, metavar="ROOT", help="folder, or schema (catalog.schema), of the run's tables"
    )
    what = parser.add_argument_group("what to explain (one of them; --uid also goes with --caption)")
    what.add_argument("--uid", help="id of a row; with --caption the id to draw by")
    what.add_argument("--caption", metavar="TEXT", help="any caption")
    what.add_argument("--entry", metavar="TEXT", help="text of a metadata entry")
    what.add_argument("--entry-id", type=int, metavar="N", help="id of a metadata entry")
    parser.add_argument(
        "--metadata", metavar="[LANG=]PATH", help="the run's metadata: finds also entries that the pool never matched"
    )
    parser.add_argument("--language", metavar="LANG", help="of caption or entry, if the run has several")
    parser.add_argument("--examples", type=int, default=3, metavar="N", help="captions shown of an entry (default: 3)")
    add_session_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=run_explain)


def run_explain(options: Namespace) -> None:
    """Explain and print."""
    from metaclip_spark.spark.session import open_session  # noqa: PLC0415 - --help should not wait for Spark

    named = [name for name in ("caption", "entry", "entry_id") if getattr(options, name) is not None]
    of_row = options.uid is not None and named in ([], ["caption"])
    if not of_row and (len(named) != 1 or options.uid is not None):
        raise ConfigError("say one thing to explain: --uid, --caption (with or without --uid), --entry or --entry-id")
    session = session_options(options, RunFile())
    with open_session(master=session.master, settings=session.settings, jars=session.jars) as spark:
        print(_explained(spark, options))


def _explained(spark: SparkSession, options: Namespace) -> str:
    from metaclip_spark.audit.explain.explain_caption import explain_caption, explain_uid  # noqa: PLC0415
    from metaclip_spark.audit.explain.explain_entry import explain_entry  # noqa: PLC0415
    from metaclip_spark.audit.explain.explain_text import render_caption, render_entry  # noqa: PLC0415

    metadata = _metadata(spark, options)
    if options.entry is not None or options.entry_id is not None:
        sought = options.entry if options.entry is not None else options.entry_id
        entry = explain_entry(
            spark, options.output, sought, metadata, language=options.language, examples=options.examples
        )
        return json.dumps(entry.as_dict(), indent=2) if options.json else render_entry(entry)
    if options.caption is not None:
        row = explain_caption(
            spark, options.output, options.caption, metadata, uid=options.uid, language=options.language
        )
    else:
        row = explain_uid(spark, options.output, options.uid, metadata)
    return json.dumps(row.as_dict(), indent=2) if options.json else render_caption(row)


def _metadata(spark: SparkSession, options: Namespace) -> CompiledMetadata | None:
    from metaclip_spark.metadata.read_metadata import read_metadata  # noqa: PLC0415

    if options.metadata is None:
        return None
    ((language, location),) = metadata_sources([options.metadata])
    return read_metadata(location, language=language or options.language, spark=spark)
