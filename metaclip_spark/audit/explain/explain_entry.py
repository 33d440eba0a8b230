"""What one entry does in a run: how often it matched, where that puts it, which captions it kept and which not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from metaclip_spark.audit.explain.explain_report import EntryExplanation, ExampleRow, finite
from metaclip_spark.audit.explain.pool_rows import near_values, open_run_pool, rows_with_word, text_bytes, uid_array
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

_SEARCHED: Final = 2_000  # rows of the pool looked at for dropped examples: they come to the driver
_MARKS: Final = re.compile("[ " + re.escape(PUNCTUATION.decode()) + "]+")


def explain_entry(
    spark: SparkSession,
    output: str,
    entry: str | int,
    metadata: CompiledMetadata | None = None,
    *,
    language: str | None = None,
    examples: int = 3,
) -> EntryExplanation:
    """Count, rank, probability of an entry, and captions that hold it.

    Args:
        spark: a session with Delta.
        output: root (a path, or catalog.schema) of the run's tables.
        entry: its text, or its id.
        metadata: the list that the run matched. None: only entries that matched are known.
        language: of the metadata; may be left out if the run has one only.
        examples: most captions of each kind. Dropped ones are looked for in some thousand rows of the pool; 0 leaves
            the pool alone.

    Raises:
        InputError: there is no such entry (near ones are named), the pool is not what it was when the run read it, or
            the metadata is of another list.
        ConfigError: no such language, or a negative number of examples.
        TableError: there is no finished run.
    """
    check_session(spark)
    if examples < 0:
        raise ConfigError(f"examples = {examples}: pass 0 or more")
    tables = Tables(spark, output)
    with translated_job_errors(tables):
        run = current_run(tables)
        entries = run_entries(
            tables, run, run_language(run, language or (metadata.language if metadata else None)), metadata
        )
        entry_id = _known_id(entry, entries, tables, run)
        count = int(entries.counts[entry_id])
        matched = entries.counts[entries.counts > 0]
        probability = min(1.0, entries.t / count) if count else None
        # In the tail every caption that holds it is kept, but for rows that no run keeps.
        may_drop = count and (
            count > entries.t or run.configuration["texts_per_image"] != "all_pairs" or run.counters["no_identity"]
        )
        pool = open_run_pool(spark, tables, run) if may_drop and examples else None
        dropped, searched = ([], 0) if pool is None else _dropped(pool, run, entries, entry_id, examples)
        return EntryExplanation(
            entry_id=entry_id,
            entry=entries.matcher.compiled.entry(entry_id),
            language=entries.language,
            fate="matchable" if count else EntryFate(entries.matcher.compiled.fates[entry_id]).name.lower(),
            place="never" if not count else "head" if count >= entries.t else "tail",
            count=count,
            rank=1 + int(np.count_nonzero(matched > count)) if count else None,
            ranked=matched.size,
            t=entries.t,
            probability=probability,
            run_id=run.run_id,
            kept=_kept(tables, entries, entry_id, examples) if count and examples else [],
            dropped=dropped,
            dropped_searched=searched,
        )


def _known_id(entry: str | int, entries: RunEntries, tables: Tables, run: StoredRun) -> int:
    """The id of an entry that is named by text or id, and whose text is known."""
    size = entries.counts.size
    if isinstance(entry, int):
        if not 0 <= entry < size:
            raise InputError(f"there is no entry {entry}: the ids of {entries.language!r} are 0 to {size - 1}")
        found = [entry] if entries.complete or entries.counts[entry] else []
    else:
        found = _ids_of(entry, entries)
    if found:
        return found[0]
    if entries.complete:
        reason = "the metadata has no such entry"
    else:
        reason = "no caption of the pool holds it; pass the metadata to tell whether it is an entry at all"
    near = [] if isinstance(entry, int) else _near(entry, entries, tables, run)
    hint = f"; near ones are {', '.join(map(repr, near))}" if near else ""
    raise InputError(f"entry {entry!r} of {entries.language!r} is not known: {reason}{hint}")


def _ids_of(entry: str, entries: RunEntries) -> list[int]:
    """Ids of the entries with a text, the one that matches first."""
    compiled = entries.matcher.compiled
    length = len(entry.encode(errors="replace"))
    same_length = np.flatnonzero(np.diff(compiled.entry_offsets.astype(np.int64)) == length) if entry else ()
    return [int(entry_id) for entry_id in same_length if compiled.entry(int(entry_id)) == entry]


def _near(entry: str, entries: RunEntries, tables: Tables, run: StoredRun) -> list[str]:
    stored = count_rows(tables, run.counts_version)
    return near_values(stored.where(stored.language == entries.language), "entry", entry)


def _kept(tables: Tables, entries: RunEntries, entry_id: int, examples: int) -> list[ExampleRow]:
    curated = tables.read(CURATED)
    if curated is None:
        return []
    holding = curated.where(curated.language == entries.language).where(f"array_contains(matched_entries, {entry_id})")
    rows = holding.select("uid", "text", "probability", "admission_threshold").take(examples)
    return [
        ExampleRow(str(row.uid), (text_bytes(row.text) or b"").decode(errors="replace"), row[2], row[3]) for row in rows
    ]


def _dropped(
    pool: DataFrame, run: StoredRun, entries: RunEntries, entry_id: int, examples: int
) -> tuple[list[ExampleRow], int]:
    """Captions of the pool that hold an entry and are not drawn, and how many rows were looked at for them."""
    entry = entries.matcher.compiled.entry(entry_id)
    word = max(_MARKS.split(entry), key=len) or entry.split(" ")[0]
    candidates = rows_with_word(pool, word, entries.language, _SEARCHED)
    if not candidates:
        return [], 0
    ids, offsets = entries.matcher.match_ids(pa.array([row.text for row in candidates], pa.binary()))
    u = draws(uid_array(candidates), run.seed)
    decisions = balance_rows(ids, offsets, entries.counts, entries.t, u)
    holds = _rows_with(ids, offsets, entry_id)
    places = np.flatnonzero(holds & ~(decisions.threshold <= entries.t))[:examples]
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
    """Which rows hold an entry; shape (rows,)."""
    holds = np.zeros(len(offsets) - 1, np.bool_)
    holds[np.searchsorted(offsets, np.flatnonzero(ids == entry_id), side="right") - 1] = True
    return holds
