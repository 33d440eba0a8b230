"""The entries that a run balanced by: matcher, counts and threshold of one language, read back from its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metaclip_spark.core.matching.compile_metadata import compile_metadata
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.errors import ConfigError, InputError
from metaclip_spark.runs.stored_counts import count_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.runs.stored_run import StoredRun
    from metaclip_spark.tables.tables import Tables


@dataclass(frozen=True)
class RunEntries:
    """What decides a caption of one language.

    Attributes:
        language: of the metadata.
        t: threshold, in matches.
        counts: int64, shape (n_entries,), captions of the pool that hold each entry.
        matcher: finds the entries; their ids are those of the run.
        complete: it knows all entries of the metadata, not only those that the pool's captions hold.
    """

    language: str
    t: float
    counts: NDArray[np.int64]
    matcher: Matcher
    complete: bool


def run_language(run: StoredRun, language: str | None) -> str:
    """The language asked for, or the only one of the run.

    Raises:
        ConfigError: the run has no such language, or several and none was named.
    """
    known = sorted(run.metadata_digests)
    if language is None and len(known) == 1:
        return known[0]
    if language is None:
        raise ConfigError(f"run {run.run_id} has metadata of {', '.join(known)}: name the language")
    if language not in known:
        raise ConfigError(f"run {run.run_id} has no metadata of {language!r}: it has {', '.join(known)}")
    return language


def run_entries(tables: Tables, run: StoredRun, language: str, metadata: CompiledMetadata | None) -> RunEntries:
    """Matcher and counts of one language of a run.

    Args:
        tables: of the run.
        run: the run.
        language: one of its languages.
        metadata: the list that the run matched. None: the entries with a count, which are all that a caption of the
            run's own pool can hold.

    Raises:
        InputError: the metadata is of another list or language than the run's.
    """
    if metadata is not None:
        check_metadata(run, language, metadata)
    rows = _count_table(tables, run, language)
    counts = _dense(rows, run, language)
    if metadata is not None:
        return RunEntries(language, run.t[language], counts, Matcher(metadata), complete=True)
    entries = [""] * counts.size  # blank entries never match, and every id stays what it is
    for entry_id, entry in zip(rows["entry_id"].to_pylist(), rows["entry"].to_pylist(), strict=True):
        entries[entry_id] = entry
    compiled = compile_metadata(entries, language=language)
    return RunEntries(language, run.t[language], counts, Matcher(compiled), complete=False)


def run_counts(tables: Tables, run: StoredRun, language: str) -> NDArray[np.int64]:
    """Captions that hold each entry of one language of a run; int64, shape (n_entries,)."""
    return _dense(_count_table(tables, run, language), run, language)


def _count_table(tables: Tables, run: StoredRun, language: str) -> pa.Table:
    stored = count_rows(tables, run.counts_version)
    return stored.where(stored.language == language).select("entry_id", "entry", "count").toArrow()


def _dense(rows: pa.Table, run: StoredRun, language: str) -> NDArray[np.int64]:
    counts = np.zeros(run.report.languages[language].entries, np.int64)
    counts[rows["entry_id"].to_numpy()] = rows["count"].to_numpy()
    return counts


def check_metadata(run: StoredRun, language: str, metadata: CompiledMetadata) -> None:
    """Refuse metadata that is not the run's.

    Raises:
        InputError: it is of another language or another list.
    """
    if metadata.language != language:
        raise InputError(f"the metadata is of {metadata.language!r}, but the language asked for is {language!r}")
    if metadata.metadata_digest != run.metadata_digests[language]:
        raise InputError(
            f"the metadata has digest {metadata.metadata_digest}, but run {run.run_id} matched the list of "
            f"{run.metadata_digests[language]}: ids and counts are of that list; pass it"
        )
