"""Report of an inspection: tables, runs and entries under a root."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaclip_spark.runs.report import LanguageReport


@dataclass(frozen=True)
class TableVersion:
    """One version of a table.

    Attributes:
        version: Number of the version.
        committed_at: Time of the commit, in the time zone of the session.
        operation: Operation as Delta names it.
        run_id: Run that the commit names; None if it names none.
        rows: Number of rows that the commit wrote; None if it is not recorded.
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
        name: Name of the table.
        path: Location of the table.
        rows: Number of rows of the newest version.
        files: Number of files of the newest version.
        bytes: Size of these files.
        versions: Number of versions written so far.
        last_versions: Newest versions, newest first.
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
        run_id: Id of the run.
        parent_run_id: Run whose result this run used; None if it used none.
        stage: Kind of the run.
        status: "finished", or the status of a run that was restarted and has not written all of its rows since.
        finished_at: Time of the end, in the time zone of the session.
        seconds: Duration.
        t: Threshold by language, in matches; empty for a counting run.
        seed: Seed of the draw; None for a counting run.
        counts_version: Key of its entry counts.
        counters: Rows read, by outcome.
        current: True if the run is finished and wrote the rows of the curated table.
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
class LanguageFigures:
    """Entries of one language in the current run.

    Attributes:
        language: Language of the metadata.
        report: Figures that the run reported.
        top_entries: Id, text and count of the entries with the highest counts, by count, then by id.
    """

    language: str
    report: LanguageReport
    top_entries: list[tuple[int, str, int]]


@dataclass(frozen=True)
class InspectReport:
    """Tables, runs and entries under a root.

    Attributes:
        root: Root of the tables.
        tables: Requested tables that exist.
        runs: Runs, newest first.
        languages: Languages of the current run, most matches first; empty if there is no current run.
        unfinished_run: Run that wrote the rows of the curated table, if it is not marked as finished; else None.
    """

    root: str
    tables: list[TableFigures]
    runs: list[RunFigures]
    languages: list[LanguageFigures]
    unfinished_run: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return asdict(self)
