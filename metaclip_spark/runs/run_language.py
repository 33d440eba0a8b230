"""Entries, counts and threshold with which a run balanced one language, read back from its tables."""

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
    """Entries, counts and threshold that decide whether a run keeps a caption of one language.

    Attributes:
        language: Language of the metadata.
        t: Threshold, in matches.
        counts: Captions of the pool that match each entry; int64, shape (n_entries,).
        matcher: Matcher of captions; its entry ids are those of the run.
        complete: Whether the matcher has all entries of the metadata, not only those that matched in the pool.
    """

    language: str
    t: float
    counts: NDArray[np.int64]
    matcher: Matcher
    complete: bool


def run_language(run: StoredRun, language: str | None) -> str:
    """Return the requested language, or the only one of the run.

    Raises:
        ConfigError: The run has no such language, or it has several and none was requested.
    """
    known = sorted(run.metadata_digests)
    if language is None and len(known) == 1:
        return known[0]
    if language is None:
        raise ConfigError(f"Run {run.run_id} has metadata for {', '.join(known)}. Name the language.")
    if language not in known:
        raise ConfigError(f"Run {run.run_id} has no metadata for {language!r}. It has {', '.join(known)}.")
    return language


def run_entries(tables: Tables, run: StoredRun, language: str, metadata: CompiledMetadata | None) -> RunEntries:
    """Return matcher and counts of one language of a run.

    Args:
        tables: Tables of the run.
        run: The run.
        language: One of its languages.
        metadata: The metadata that the run matched. None: the entries that matched in the run's pool, which are all
            that a caption of that pool can match.

    Raises:
        InputError: The metadata has another language or other entries than the run's.
    """
    if metadata is not None:
        check_metadata(run, language, metadata)
    rows = _count_table(tables, run, language)
    counts = _dense(rows, run, language)
    if metadata is not None:
        return RunEntries(language, run.t[language], counts, Matcher(metadata), complete=True)
    entries = [""] * counts.size  # blank entries never match, and every entry keeps its id
    for entry_id, entry in zip(rows["entry_id"].to_pylist(), rows["entry"].to_pylist(), strict=True):
        entries[entry_id] = entry
    compiled = compile_metadata(entries, language=language)
    return RunEntries(language, run.t[language], counts, Matcher(compiled), complete=False)


def run_counts(tables: Tables, run: StoredRun, language: str) -> NDArray[np.int64]:
    """Return the captions that match each entry of one language of a run; int64, shape (n_entries,)."""
    return _dense(_count_table(tables, run, language), run, language)


def check_metadata(run: StoredRun, language: str, metadata: CompiledMetadata) -> None:
    """Refuse metadata other than the run's.

    Raises:
        InputError: The metadata has another language or other entries.
    """
    if metadata.language != language:
        raise InputError(
            f"The metadata is for {metadata.language!r}, but the requested language is {language!r}. Pass its metadata."
        )
    if metadata.metadata_digest != run.metadata_digests[language]:
        raise InputError(
            f"The metadata has digest {metadata.metadata_digest}, but run {run.run_id} matched metadata with digest "
            f"{run.metadata_digests[language]}, to which its ids and counts refer. Pass that metadata."
        )


def _count_table(tables: Tables, run: StoredRun, language: str) -> pa.Table:
    stored = count_rows(tables, run.counts_version)
    return stored.where(stored.language == language).select("entry_id", "entry", "count").toArrow()


def _dense(rows: pa.Table, run: StoredRun, language: str) -> NDArray[np.int64]:
    counts = np.zeros(run.report.languages[language].entries, np.int64)
    counts[rows["entry_id"].to_numpy()] = rows["count"].to_numpy()
    return counts
