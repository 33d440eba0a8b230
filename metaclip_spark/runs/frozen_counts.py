"""Frozen counts: the counts of another curation, which balance a pool in place of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_spark.config.curation import counts_root_and_version
from metaclip_spark.errors import InputError, TableError
from metaclip_spark.runs.stored_counts import load_counts
from metaclip_spark.runs.stored_run import COUNT
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.tables.schemas import ENTRY_COUNTS, RUNS
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@dataclass(frozen=True)
class FrozenCounts:
    """Counts of another curation.

    Attributes:
        counts_version: Key of the counts.
        entries: Counts by language; int64, shape (n_entries,).
        origin: Tables that contain them.
    """

    counts_version: str
    entries: Mapping[str, NDArray[np.int64]]
    origin: Tables

    def copy_to(self, tables: Tables) -> None:
        """Copy the counts to the tables whose rows they balance, which then do not depend on the other root."""
        if self.origin.root == tables.root:
            return
        run_id = f"run_id = '{self.counts_version}'"
        recorded = tables.read(RUNS)
        if recorded is not None and recorded.where(run_id).take(1):
            return
        for name, condition in ((ENTRY_COUNTS, f"counts_version = '{self.counts_version}'"), (RUNS, run_id)):
            rows = self.origin.read(name)
            if rows is None:
                raise TableError(f"{self.origin.path(name)} no longer exists. Restore it, or curate again.")
            tables.replace_rows(name, rows.where(condition), condition)


def open_frozen_counts(spark: SparkSession, location: str, metadata: Mapping[str, CompiledMetadata]) -> FrozenCounts:
    """Return the counts at a location.

    Args:
        spark: A session with Delta.
        location: Root of another curation's tables, whose newest counts are taken, or ROOT@COUNTS_VERSION.
        metadata: Metadata of the pool to balance, by language; it must be the metadata that was counted.

    Raises:
        TableError: There are no such counts.
        InputError: The counts are of other metadata.
    """
    root, version = counts_root_and_version(location)
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        version = version or current_run(tables).counts_version
        return FrozenCounts(version, _load(tables, version, metadata), tables)


def _load(tables: Tables, version: str, metadata: Mapping[str, CompiledMetadata]) -> Mapping[str, NDArray[np.int64]]:
    runs = tables.read(RUNS)
    counted = {} if runs is None else {row.run_id: row for row in runs.where(runs.stage == COUNT).collect()}
    if version not in counted:
        raise TableError(
            f"{tables.root} has no counts {version!r} (it has {', '.join(counted) or 'none'}). Pass "
            "ROOT@COUNTS_VERSION with one of its versions, or ROOT alone for the newest."
        )
    given = {language: compiled.metadata_digest for language, compiled in metadata.items()}
    digests = counted[version].metadata_digests
    if given != digests:
        raise InputError(
            f"The counts {version} in {tables.root} are of other metadata (digests {dict(digests)}; given {given}). "
            "Pass the metadata that was counted there."
        )
    sizes = {language: compiled.n_entries for language, compiled in metadata.items()}
    return load_counts(tables, counted[version], sizes).entries
