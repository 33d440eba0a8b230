"""What the tables of a root hold: figures first, written for people by `report.inspect_text`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TableVersion:
    """One version of a table.

    Attributes:
        version: its number.
        committed_at: when, in the session's time zone.
        operation: as Delta calls it.
        run_id: the run that it names, if any.
        rows: that it wrote, if recorded.
    """

    version: int
    committed_at: str
    operation: str
    run_id: str | None
    rows: int | None


@dataclass(frozen=True)
class TableFigures:
    """One table.

    Attributes:
        name: of the table.
        path: where it is.
        rows: of the newest version.
        files: of the newest version.
        bytes: of these files.
        versions: number of versions ever written.
        last_versions: the newest ones, newest first.
    """

    name: str
    path: str
    rows: int
    files: int
    bytes: int
    versions: int
    last_versions: list[TableVersion]


@dataclass(frozen=True)
class RunFigures:
    """One row of the runs table.

    Attributes:
        run_id: its name.
        parent_run_id: the run whose result it used.
        stage: what kind of run.
        status: "finished"; or "again": it was, was begun once more, and has not written all of its rows since.
        finished_at: when, in the session's time zone.
        seconds: duration.
        t: threshold by language, in matches; empty for a counting run.
        seed: of the draw; None for a counting run.
        counts_version: key of its counts.
        counters: rows by what became of them.
        current: it is finished, and its rows are those of the curated table.
    """

    run_id: str
    parent_run_id: str | None
    stage: str
    status: str
    finished_at: str
    seconds: float
    t: dict[str, float]
    seed: int | None
    counts_version: str
    counters: dict[str, int]
    current: bool


@dataclass(frozen=True)
class EntryFigures:
    """How the current run's matches spread over the entries of one language.

    Attributes:
        language: of the metadata.
        t: threshold, in matches.
        entries: of the metadata list.
        head: entries with count >= t.
        tail: entries with 0 < count < t.
        never_matched: entries that no caption holds.
        matches: sum of all counts.
        head_matches: sum of the head's counts.
        matched: rows that matched.
        kept: rows kept.
        top_entries: id, text and count of the entries with the highest counts, by count then id.
    """

    language: str
    t: float
    entries: int
    head: int
    tail: int
    never_matched: int
    matches: int
    head_matches: int
    matched: int
    kept: int
    top_entries: list[tuple[int, str, int]]


@dataclass(frozen=True)
class InspectReport:
    """A root, or one of its tables.

    Attributes:
        root: of the tables.
        tables: those that exist, and were asked for.
        runs: newest first.
        languages: of the current run, most matches first; empty if there is none.
        unfinished: the run that the curated table's rows name, where it is not marked as finished.
    """

    root: str
    tables: list[TableFigures]
    runs: list[RunFigures]
    languages: list[EntryFigures]
    unfinished: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)
