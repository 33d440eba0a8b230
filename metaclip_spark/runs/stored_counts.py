"""Counts between the passes: stored before the second one begins, so that a run that fails late starts from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_spark.core.counting.pool_counts import PoolCounts
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.identity import COUNT, record, run_row
from metaclip_spark.tables.schemas import ENTRY_COUNTS, ENTRY_COUNTS_SCHEMA

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, Row

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.identity import RunPlan
    from metaclip_spark.tables.tables import Tables

_OF_POOL = ("read", "malformed", "null", "empty", "language_without_metadata")
_BY_LANGUAGE = ("matched", "unmatched")


@dataclass(frozen=True)
class Counted:
    """Counts to be stored.

    Attributes:
        plan: names them.
        counts: of the pool or pools.
        parent: the counts that they were added to.
    """

    plan: RunPlan
    counts: PoolCounts
    parent: str | None = None


def store_counts(
    tables: Tables, counted: Sequence[Counted], metadata: Mapping[str, CompiledMetadata], *, started_at: dt.datetime
) -> None:
    """Write counts in one commit, then in another the rows that say they are whole.

    Args:
        tables: of the output.
        counted: none of which is marked as whole yet.
        metadata: by language, for the entries' texts.
        started_at: UTC.
    """
    entries = [_as_table(each.plan, each.counts, metadata) for each in counted]
    versions = ", ".join(f"'{each.plan.counts_version}'" for each in counted)
    rows = tables.create_dataframe(pa.concat_tables(entries), ENTRY_COUNTS_SCHEMA)
    tables.replace_rows(ENTRY_COUNTS, rows, f"counts_version IN ({versions})")
    marks = []
    for each, table in zip(counted, entries, strict=True):
        counters = {"entries": table.num_rows, "matches": each.counts.matches}
        counters |= {name: getattr(each.counts, name) for name in _OF_POOL}
        for name in _BY_LANGUAGE:
            counters |= {f"{name}.{language}": count for language, count in getattr(each.counts, name).items()}
        marks.append(
            run_row(
                each.plan, stage=COUNT, started_at=started_at, counters=counters, output_versions={}, parent=each.parent
            )
        )
    record(tables, *marks, new=True)


def load_counts(tables: Tables, finished: Row, n_entries: Mapping[str, int]) -> PoolCounts:
    """The counts of a finished counting run.

    Raises:
        ConsistencyError: the stored rows do not add up to what the run recorded.
    """
    counts_version = finished.counts_version
    rows = count_rows(tables, counts_version).select("language", "entry_id", "count").toArrow()
    entries = {language: np.zeros(size, np.int64) for language, size in n_entries.items()}
    for batch in rows.to_batches():  # of some thousand rows: few languages each, whatever their number
        of_batch = batch.column("language")
        ids, values = batch.column("entry_id").to_numpy(), batch.column("count").to_numpy()
        for language in of_batch.unique().to_pylist():
            mine = pc.equal(of_batch, language).to_numpy(zero_copy_only=False)
            entries[language][ids[mine]] = values[mine]
    recorded = finished.counters
    found = {"entries": rows.num_rows, "matches": sum(int(counts.sum()) for counts in entries.values())}
    for name, value in found.items():
        if value != recorded[name]:
            raise ConsistencyError(
                f"the counts {counts_version} in {tables.path(ENTRY_COUNTS)} have {value} {name}, but "
                f"{recorded[name]} were written: somebody else changed the table; use another output"
            )
    by_language = {name: {language: recorded[f"{name}.{language}"] for language in n_entries} for name in _BY_LANGUAGE}
    of_pool = {name: recorded.get(name, 0) for name in _OF_POOL}  # counts of old know none of the later ones
    return PoolCounts(entries=entries, matched=by_language["matched"], unmatched=by_language["unmatched"], **of_pool)


def count_rows(tables: Tables, counts_version: str) -> DataFrame:
    """The stored rows of one counting run: entries that matched, with their texts.

    Raises:
        ConsistencyError: the table is gone.
    """
    stored = tables.read(ENTRY_COUNTS)
    if stored is None:
        raise ConsistencyError(f"the counts {counts_version} are recorded as finished, but {ENTRY_COUNTS} is gone")
    return stored.where(stored.counts_version == counts_version)


def _as_table(plan: RunPlan, counts: PoolCounts, metadata: Mapping[str, CompiledMetadata]) -> pa.Table:
    """The matched entries of all languages with their texts; entries that never matched have no row."""
    parts = []
    for language, values in counts.entries.items():
        ids = np.flatnonzero(values)
        constant = {
            "counts_version": plan.counts_version,
            "language": language,
            "pool_name": plan.pool.name,
            "metadata_digest": plan.metadata_digests[language],
        }
        columns = {
            "entry_id": pa.array(ids, pa.int32()),
            "entry": pa.array(metadata[language].entries(ids), pa.string()),
            "count": pa.array(values[ids], pa.int64()),
        } | {name: pa.repeat(pa.scalar(value), len(ids)) for name, value in constant.items()}
        parts.append(pa.table({name: columns[name] for name in ENTRY_COUNTS_SCHEMA.names}))
    return pa.concat_tables(parts)
