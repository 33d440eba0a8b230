"""Export of entry probabilities for data loaders that balance during training; GUIDE.md contains an example."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_spark.errors import ConfigError
from metaclip_spark.exports.curated_rows import locate_output
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.runs.run_language import run_counts, run_language
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.output_files import new_file
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from metaclip_spark.runs.stored_run import StoredRun


def export_entry_probabilities(
    spark: SparkSession,
    root: str,
    output: str,
    *,
    t: float | None = None,
    language: str | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Write the sampling probability p = min(1, t / count) of each entry to a file.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the run's tables: a path, or catalog.schema.
        output: File to write, on this machine. `.npy`: float64, shape (n_entries,), p by entry id, where a count of 0
            is taken as 1. `.parquet`: a row for each entry that matched, with `language`, `entry_id`, `entry`, `count`
            and `probability`.
        t: Threshold of one language. None: the threshold of the run.
        language: Language to export. None: all languages of the run, or the only one where one is needed (`.npy`, `t`).
        overwrite: If True, replace an earlier export.

    Raises:
        ConfigError: The file type is neither of the two, the run does not have the language, a language is needed but
            not given, t is not a finite number above 0, or the output is in a remote store or overlaps with the tables
            or a pool.
        TableError: There is no finished run, or the output exists.
    """
    check_session(spark)
    kind = output.rpartition(".")[2].lower()
    if kind not in {"npy", "parquet"}:
        raise ConfigError(f"The output {output} does not end in .npy or .parquet. Choose one of these file types.")
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        run = current_run(tables)
        place = locate_output(spark, output, tables)
        if language is not None or t is not None or kind == "npy":
            language = run_language(run, language)
        if t is not None:
            if not (np.isfinite(t) and t > 0):
                raise ConfigError(f"t = {t!r} is not a threshold. Pass a finite number of matches above 0.")
            run = replace(run, t={**run.t, str(language): float(t)})
        with new_file(place, overwrite=overwrite) as path:
            if kind == "npy":
                p = _probabilities(run_counts(tables, run, str(language)), run.t[str(language)])
                with path.open("wb") as file:  # given a name, numpy adds a suffix to it
                    np.save(file, p)
                return ExportReport("entry-probabilities", place, p.size, 0, [], run.run_id)
            table = _write_table(path, tables, run, [language] if language else sorted(run.t))
        return ExportReport("entry-probabilities", place, table.num_rows, 0, table.column_names, run.run_id)


def _probabilities(counts: NDArray[np.int64], t: float) -> NDArray[np.float64]:
    p: NDArray[np.float64] = np.minimum(1.0, t / np.maximum(counts, 1))
    return p


def _write_table(path: Path, tables: Tables, run: StoredRun, languages: list[str]) -> pa.Table:
    stored = count_rows(tables, run.counts_version)
    parts = []
    for language in languages:
        columns = stored.where(stored.language == language).select("language", "entry_id", "entry", "count")
        rows = columns.orderBy("entry_id").toArrow()
        p = _probabilities(rows["count"].to_numpy(), run.t[language])
        parts.append(rows.append_column("probability", pa.array(p, pa.float64())))
    table = pa.concat_tables(parts)
    pq.write_table(table, path)
    return table
