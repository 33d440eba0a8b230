"""Explanation of an entry: its count, rank and probability, and kept and dropped captions that match it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.audit.explain.explain_report import EntryExplanation, ExampleRow, finite
from metaclip_spark.audit.explain.pool_rows import open_run_pool, rows_with_word, similar_values, text_bytes, uid_array
from metaclip_spark.core.balancing.rule import balance_rows
from metaclip_spark.core.draw import draws
from metaclip_spark.core.entry_list import EntryFate
from metaclip_spark.core.spacing import PUNCTUATION
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.runs.run_language import run_entries, run_language
from metaclip_spark.runs.stored_counts import count_rows
from metaclip_spark.runs.tables_state import current_run
from metaclip_spark.spark.job_errors import translated_job_errors
from metaclip_spark.spark.session import check_session
from metaclip_spark.tables.schemas import CURATED
from metaclip_spark.tables.tables import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, SparkSession

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.run_language import RunEntries
    from metaclip_spark.runs.stored_run import StoredRun

_MAX_SEARCHED: Final = 2_000  # rows of the pool that are searched for dropped captions, on the driver
_MARKS: Final = re.compile("[ " + re.escape(PUNCTUATION.decode()) + "]+")


def explain_entry(
    spark: SparkSession,
    root: str,
    entry: str | int,
    metadata: CompiledMetadata | None = None,
    *,
    language: str | None = None,
    examples: int = 3,
) -> EntryExplanation:
    """Explain the effect of an entry in a run.

    Args:
        spark: Session that can read Delta tables.
        root: Root of the run's tables: a path, or catalog.schema.
        entry: Text of the entry, or its id.
        metadata: Metadata that the run matched. None: only entries that matched are known.
        language: Language of the metadata. Not needed if the run has only one.
        examples: Maximum number of kept and of dropped captions. For dropped ones, up to 2,000 rows of the pool are
            searched; 0 does not read the pool.

    Raises:
        InputError: The entry does not exist (the message suggests similar ones), the pool has changed since the run
            read it, or the run matched other metadata.
        ConfigError: The run does not have the language, or `examples` is negative.
        TableError: There is no finished run.
    """
    check_session(spark)
    if examples < 0:
        raise ConfigError(f"examples = {examples} is negative. Pass 0 or more.")
    tables = Tables(spark, root)
    with translated_job_errors(tables):
        run = current_run(tables)
        entries = run_entries(
            tables, run, run_language(run, language or (metadata.language if metadata else None)), metadata
        )
        entry_id = _known_id(entry, entries, tables, run)
        count = int(entries.counts[entry_id])
        matched = entries.counts[entries.counts > 0]
        probability = min(1.0, entries.t / count) if count else None
        # A tail entry keeps every matching caption that has an identity and is chosen among the texts of its image.
        may_drop = count and (
            count > entries.t or run.config.texts_per_image != "all_pairs" or run.counters["no_identity"]
        )
        pool = open_run_pool(spark, tables, run) if may_drop and examples else None
        dropped, searched = ([], 0) if pool is None else _dropped(pool, run, entries, entry_id, examples)
        return EntryExplanation(
            entry_id=entry_id,
            entry=entries.matcher.compiled.entry(entry_id),
            language=entries.language,
            fate="matchable" if count else EntryFate(entries.matcher.compiled.fates[entry_id]).name.lower(),
            group="never_matched" if not count else "head" if count >= entries.t else "tail",
            count=count,
            rank=1 + int(np.count_nonzero(matched > count)) if count else None,
            ranked=matched.size,
            t=entries.t,
            probability=probability,
            run_id=run.run_id,
            kept=_kept(tables, entries, entry_id, examples) if count and examples else [],
            dropped=dropped,
            rows_searched=searched,
        )


def _known_id(entry: str | int, entries: RunEntries, tables: Tables, run: StoredRun) -> int:
    """Return the id of an entry given by text or id.

    Raises:
        InputError: The entry or its text is unknown.
    """
    size = entries.counts.size
    if isinstance(entry, int):
        if not 0 <= entry < size:
            raise InputError(f"Entry id {entry} does not exist: the ids of {entries.language!r} are 0 to {size - 1}.")
        found = [entry] if entries.complete or entries.counts[entry] else []
    else:
        found = _ids_of(entry, entries)
    if found:
        return found[0]
    if entries.complete:
        reason = "the metadata does not have it"
    else:
        reason = "no caption of the pool matches it. Pass the metadata to see whether it is an entry"
    similar = [] if isinstance(entry, int) else _similar(entry, entries, tables, run)
    hint = f" Similar entries: {', '.join(map(repr, similar))}." if similar else ""
    raise InputError(f"Entry {entry!r} of {entries.language!r} is unknown: {reason}.{hint}")


def _ids_of(entry: str, entries: RunEntries) -> list[int]:
    """Return the ids of the entries with a text. The first is the one that matches."""
    compiled = entries.matcher.compiled
    length = len(entry.encode(errors="replace"))
    same_length = np.flatnonzero(np.diff(compiled.entry_offsets.astype(np.int64)) == length) if entry else ()
    return [int(entry_id) for entry_id in same_length if compiled.entry(int(entry_id)) == entry]


def _similar(entry: str, entries: RunEntries, tables: Tables, run: StoredRun) -> list[str]:
    stored = count_rows(tables, run.counts_version)
    return similar_values(stored.where(stored.language == entries.language), "entry", entry)


def _kept(tables: Tables, entries: RunEntries, entry_id: int, examples: int) -> list[ExampleRow]:
    curated = tables.read(CURATED)
    if curated is None:
        return []
    matching = curated.where(curated.language == entries.language).where(f"array_contains(matched_entries, {entry_id})")
    rows = matching.select("uid", "text", "probability", "admission_threshold").take(examples)
    return [
        ExampleRow(str(row.uid), (text_bytes(row.text) or b"").decode(errors="replace"), row[2], row[3]) for row in rows
    ]


def _dropped(
    pool: DataFrame, run: StoredRun, entries: RunEntries, entry_id: int, examples: int
) -> tuple[list[ExampleRow], int]:
    """Return dropped captions of the pool that match an entry, and the number of rows searched."""
    entry = entries.matcher.compiled.entry(entry_id)
    word = max(_MARKS.split(entry), key=len) or entry.split(" ")[0]
    candidates = rows_with_word(pool, word, entries.language, _MAX_SEARCHED)
    if not candidates:
        return [], 0
    ids, offsets = entries.matcher.match_ids(pa.array([row.text for row in candidates], pa.binary()))
    u = draws(uid_array(candidates), run.seed)
    decisions = balance_rows(ids, offsets, entries.counts, entries.t, u)
    matching = _rows_with(ids, offsets, entry_id)
    places = np.flatnonzero(matching & ~(decisions.threshold <= entries.t))[:examples]
    found = [
        ExampleRow(
            uid=None if candidates[place].uid is None else str(candidates[place].uid),
            caption=(candidates[place].text or b"").decode(errors="replace"),
            probability=float(decisions.probability[place]),
            admission_threshold=finite(decisions.threshold[place]),
        )
        for place in places.tolist()
    ]
    return found, len(candidates)


def _rows_with(ids: NDArray[np.int32], offsets: NDArray[np.int64], entry_id: int) -> NDArray[np.bool_]:
    """Return which rows match an entry; shape (rows,)."""
    matching = np.zeros(len(offsets) - 1, np.bool_)
    matching[np.searchsorted(offsets, np.flatnonzero(ids == entry_id), side="right") - 1] = True
    return matching
