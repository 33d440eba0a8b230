"""Frozen counts: those of another curation, which balance a pool in place of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metaclip_spark.errors import ConfigError, TableError
from metaclip_spark.runs.identity import COUNT
from metaclip_spark.runs.stored_counts import load_counts
from metaclip_spark.runs.stored_run import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.tables.schemas import ENTRY_COUNTS, RUNS
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from metaclip_spark.core.counting.pool_counts import PoolCounts
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata


@dataclass(frozen=True)
class FrozenCounts:
    """Counts of another curation.

    Attributes:
        counts_version: their key.
        entries: by language, int64, shape (n_entries,).
        home: the tables that they are in.
    """

    counts_version: str
    entries: Mapping[str, NDArray[np.int64]]
    home: Tables


def open_frozen(spark: SparkSession, place: str, metadata: Mapping[str, CompiledMetadata]) -> FrozenCounts:
    """The counts at a place.

    Args:
        spark: reads them.
        place: output of a curation, whose newest counts are taken, or ROOT@COUNTS_VERSION.
        metadata: of the pool to be balanced; has to be what was counted.

    Raises:
        TableError: there are no such counts.
        ConfigError: they are of other metadata.
    """
    root, version = _parts(place)
    home = Tables(spark, root)
    with translated_job_errors(home):
        version = version or current_run(home).counts_version
        return FrozenCounts(version, _entries(home, version, metadata), home)


def _entries(home: Tables, version: str, metadata: Mapping[str, CompiledMetadata]) -> Mapping[str, NDArray[np.int64]]:
    runs = home.read(RUNS)
    found = [] if runs is None else runs.where((runs.run_id == version) & (runs.stage == COUNT)).collect()
    if not found:
        known = (
            [] if runs is None else [row.run_id for row in runs.where(runs.stage == COUNT).select("run_id").collect()]
        )
        raise TableError(f"{home.root} has no counts {version!r} (it has {', '.join(known) or 'none'})")
    given = {language: compiled.metadata_digest for language, compiled in metadata.items()}
    if given != found[0].metadata_digests:
        raise ConfigError(
            f"the counts {version} of {home.root} are of other metadata (digests {dict(found[0].metadata_digests)}; "
            f"given {given}): pass the lists that were counted there"
        )
    sizes = {language: compiled.n_entries for language, compiled in metadata.items()}
    return load_counts(home, found[0], sizes).entries


def balancing_counts(tables: Tables, counts: PoolCounts, frozen: FrozenCounts | None) -> PoolCounts:
    """A pool's rows by what became of them, with the entries' counts that balance them: its own, or the frozen ones."""
    if frozen is None:
        return counts
    adopt(tables, frozen)
    return replace(counts, entries={language: frozen.entries[language] for language in counts.entries})


def adopt(tables: Tables, frozen: FrozenCounts) -> None:
    """Copy the counts to the tables whose rows they balance, which are then whole without the others."""
    of_them = f"counts_version = '{frozen.counts_version}'"
    here = tables.read(RUNS)
    if frozen.home.root == tables.root or (
        here is not None and here.where(f"run_id = '{frozen.counts_version}'").take(1)
    ):
        return
    for name, condition in ((ENTRY_COUNTS, of_them), (RUNS, f"run_id = '{frozen.counts_version}'")):
        rows = frozen.home.read(name)
        if rows is None:
            raise TableError(f"{frozen.home.path(name)} is gone")
        tables.replace_rows(name, rows.where(condition), condition)


def _parts(place: str) -> tuple[str, str | None]:
    """Root and counts_version; an @ in the root is one, as versions are hex digits.

    >>> _parts("/data/curated@0123456789abcdef0123456789abcdef"), _parts("s3a://me@host/out")
    (('/data/curated', '0123456789abcdef0123456789abcdef'), ('s3a://me@host/out', None))
    """
    root, at, version = place.rpartition("@")
    return (root, version) if at and version.isalnum() and len(version) == len("0" * 32) else (place, None)
