"""Entry counts as tables store them: written before the second pass, so that a run that fails late starts from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_spark.core.counting.pool_counts import PoolCounts
from metaclip_spark.errors import ConsistencyError
from metaclip_spark.runs.record import record, run_row
from metaclip_spark.runs.stored_run import COUNT
from metaclip_spark.tables.schemas import ENTRY_COUNTS, ENTRY_COUNTS_SCHEMA

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, Row

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.identity import RunIdentity
    from metaclip_spark.tables.tables import Tables

_POOL_COUNTERS: Final = ("read", "malformed", "null", "empty", "language_without_metadata")
_LANGUAGE_COUNTERS: Final = ("matched", "unmatched")


@dataclass(frozen=True)
class NewCounts:
    """Counts to be stored.

    Attributes:
        identity: Identity of the run; its counts_version is the key of the counts.
        counts: Counts of the pool or pools.
        parent: Key of the counts to which a pool was added; None for the counts of one pool.
    """

    identity: RunIdentity
    counts: PoolCounts
    parent: str | None = None


def store_counts(
    tables: Tables, new: Sequence[NewCounts], metadata: Mapping[str, CompiledMetadata], *, started_at: dt.datetime
) -> None:
    """Write counts in one commit, then in a second commit the rows of `runs` that mark them as complete.

    Args:
        tables: Tables to write to.
        new: Counts, none of which is marked as complete yet.
        metadata: Compiled metadata by language, for the texts of the entries.
        started_at: Start of the run, UTC.
    """
    entries = [_entry_counts(each.identity, each.counts, metadata) for each in new]
    keys = ", ".join(f"'{each.identity.counts_version}'" for each in new)
    rows = tables.create_dataframe(pa.concat_tables(entries), ENTRY_COUNTS_SCHEMA)
    tables.replace_rows(ENTRY_COUNTS, rows, f"counts_version IN ({keys})")
    marks = [
        run_row(
            each.identity,
            stage=COUNT,
            started_at=started_at,
            counters={"entries": table.num_rows, "matches": each.counts.matches} | _counters(each.counts),
            output_versions={},
            parent_run_id=each.parent,
        )
        for each, table in zip(new, entries, strict=True)
    ]
    record(tables, *marks, is_new=True)


def load_counts(tables: Tables, stored: Row, n_entries: Mapping[str, int]) -> PoolCounts:
    """Return stored counts.

    Args:
        tables: Tables to read from.
        stored: The row of `runs` that marks the counts as complete.
        n_entries: Number of entries of the metadata by language.

    Raises:
        ConsistencyError: The stored rows do not add up to the recorded totals.
    """
    rows = count_rows(tables, stored.counts_version).select("language", "entry_id", "count").toArrow()
    entries = {language: np.zeros(size, np.int64) for language, size in n_entries.items()}
    for batch in rows.to_batches():  # some thousand rows, and so only few languages each
        languages = batch.column("language")
        ids, counts = batch.column("entry_id").to_numpy(), batch.column("count").to_numpy()
        for language in languages.unique().to_pylist():
            own = pc.equal(languages, language).to_numpy(zero_copy_only=False)
            entries[language][ids[own]] = counts[own]
    recorded = stored.counters
    found = {"entries": rows.num_rows, "matches": sum(int(counts.sum()) for counts in entries.values())}
    for name, value in found.items():
        if value != recorded[name]:
            raise ConsistencyError(
                f"The counts {stored.counts_version} in {tables.path(ENTRY_COUNTS)} have {value} {name}, but "
                f"{recorded[name]} were written: another program changed the table. Use another root."
            )
    by_language = {
        name: {language: recorded[f"{name}.{language}"] for language in n_entries} for name in _LANGUAGE_COUNTERS
    }
    return PoolCounts(
        entries=entries,
        matched=by_language["matched"],
        unmatched=by_language["unmatched"],
        **{name: recorded[name] for name in _POOL_COUNTERS},
    )


def count_rows(tables: Tables, counts_version: str) -> DataFrame:
    """Return the rows of `entry_counts` of one counts version: the entries that matched, with their texts.

    Raises:
        ConsistencyError: The table no longer exists.
    """
    stored = tables.read(ENTRY_COUNTS)
    if stored is None:
        raise ConsistencyError(
            f"The counts {counts_version} are recorded as complete, but {tables.path(ENTRY_COUNTS)} no longer exists. "
            "Restore the table, or curate again with overwrite."
        )
    return stored.where(stored.counts_version == counts_version)


def _counters(counts: PoolCounts) -> dict[str, int]:
    counters = {name: getattr(counts, name) for name in _POOL_COUNTERS}
    for name in _LANGUAGE_COUNTERS:
        counters |= {f"{name}.{language}": rows for language, rows in getattr(counts, name).items()}
    return counters


def _entry_counts(identity: RunIdentity, counts: PoolCounts, metadata: Mapping[str, CompiledMetadata]) -> pa.Table:
    """Return one row for each entry that matched, with its text; entries that never matched have none."""
    parts = []
    for language, values in counts.entries.items():
        ids = np.flatnonzero(values)
        constants = {
            "counts_version": identity.counts_version,
            "language": language,
            "pool_name": identity.pool.name,
            "metadata_digest": identity.metadata_digests[language],
        }
        columns = {
            "entry_id": pa.array(ids, pa.int32()),
            "entry": pa.array(metadata[language].entries(ids), pa.string()),
            "count": pa.array(values[ids], pa.int64()),
        } | {name: pa.repeat(pa.scalar(value), len(ids)) for name, value in constants.items()}
        parts.append(pa.table({name: columns[name] for name in ENTRY_COUNTS_SCHEMA.names}))
    return pa.concat_tables(parts)
