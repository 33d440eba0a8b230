"""Entry probabilities for data loaders that balance while they train (EXPORTS.md shows one)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_spark.errors import ConfigError
from metaclip_spark.exports.export_report import ExportReport
from metaclip_spark.exports.rows import located_target
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
    output: str,
    target: str,
    *,
    t: float | None = None,
    language: str | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """The probability p = min(1, t / count) of each entry, as a file that a data loader reads.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        target: file on this machine. `.npy`: float64, shape (n_entries,), p by entry id, 1 for an entry that never
            matched where t >= 1 (a count of 0 is taken as 1). `.parquet`: a row for each entry that matched, with
            `language`, `entry_id`, `entry`, `count`, `probability`.
        t: another threshold than the run's; of one language.
        language: the one to export; `.npy` and `t` need one. None: all of the run.
        overwrite: replace an earlier export.

    Raises:
        ConfigError: another kind of file, no such language, none where one is needed, t is not a finite number > 0, the
            target is in a remote store, or overlaps with what is read.
        TableError: there is no finished run, or the target exists.
    """
    check_session(spark)
    kind = target.rpartition(".")[2].lower()
    if kind not in {"npy", "parquet"}:
        raise ConfigError(f"the target {target} is neither .npy nor .parquet: end its name in one of them")
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        run = current_run(tables)
        place = located_target(spark, target, tables)
        if language is not None or t is not None or kind == "npy":
            language = run_language(run, language)
        if t is not None:
            if not (np.isfinite(t) and t > 0):
                raise ConfigError(f"t = {t!r} is no threshold: pass a finite number of matches > 0")
            run = replace(run, t={**run.t, str(language): float(t)})
        with new_file(place, overwrite=overwrite) as path:
            if kind == "npy":
                p = _probabilities(run_counts(tables, run, str(language)), run.t[str(language)])
                with path.open("wb") as file:  # by its name numpy would add a suffix
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
