"""State of the tables of a root: the recorded runs, and the run whose rows the curated table contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from metaclip_spark.errors import TableError
from metaclip_spark.runs.stored_run import COUNT, CURATE, StoredRun
from metaclip_spark.tables.schemas import CURATED, RESERVE, RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import DataFrame, Row

    from metaclip_spark.tables.delta_log import State
    from metaclip_spark.tables.tables import Tables


class TablesState(NamedTuple):
    """Content of a root when it was read. A run builds on this state, even if the tables change meanwhile.

    Attributes:
        runs: Every recorded run that wrote a curated table, by run id.
        counts: Row of `runs` of every stored set of counts, by counts version.
        states: Version of the curated table and of the reserve, and the run whose rows each contains.
    """

    runs: dict[str, StoredRun]
    counts: dict[str, Row]
    states: Mapping[str, State]

    @property
    def versions(self) -> dict[str, int]:
        """Newest version of the curated table and of the reserve; -1 for a table that does not exist."""
        return {name: state.version for name, state in self.states.items()}

    @property
    def writer(self) -> str | None:
        """The run whose rows the curated table contains; None if there is no such table."""
        return self.states[CURATED].run_id


def read_state(tables: Tables) -> TablesState:
    """Read the recorded runs and the present versions of the curated table and the reserve."""
    stored = tables.read(RUNS)
    rows = [] if stored is None else stored.collect()
    return TablesState(
        runs={row.run_id: StoredRun.from_row(row) for row in rows if row.stage != COUNT},
        counts={row.run_id: row for row in rows if row.stage == COUNT},
        states={name: tables.state(name) for name in (CURATED, RESERVE)},
    )


def stored_runs(tables: Tables) -> dict[str, StoredRun]:
    """Return every recorded run that wrote a curated table, by run id."""
    stored = tables.read(RUNS)
    if stored is None:
        return {}
    return {row.run_id: StoredRun.from_row(row) for row in stored.where(stored.stage != COUNT).collect()}


def current_run(tables: Tables, version: int | None = None) -> StoredRun:
    """Return the run whose rows the curated table contains, now or at a version.

    Raises:
        TableError: There is no curated table, or the run that wrote it has not finished.
    """
    writer, runs = tables.writer(CURATED, version), stored_runs(tables)
    if writer not in runs or not runs[writer].is_finished:
        raise unfinished_error(tables, writer, runs)
    return runs[writer]


def parent_run(tables: Tables, state: TablesState, id_from: Callable[[StoredRun], str]) -> StoredRun:
    """Return the finished run that a derived run starts from.

    This is the run whose rows the curated table contains. If the derived run itself wrote them and then failed, it is
    the run that the failed attempt started from.

    Args:
        tables: Tables of the run.
        state: State of these tables.
        id_from: Function that returns the id of the derived run if it starts from a given run.

    Raises:
        TableError: There is no curated table; another run wrote it and has not finished; or the run that this one
            started from was restarted since and has not finished.
    """
    writer, runs = state.writer, state.runs
    if writer in runs and runs[writer].is_finished:
        return runs[writer]
    parents = [run for run in runs.values() if id_from(run) == writer]
    if not parents:
        raise unfinished_error(tables, writer, runs)
    if not parents[0].is_finished:  # its reserve may contain rows that belong in the curated table
        raise TableError(
            f"Run {writer}, which wrote the rows in {tables.path(CURATED)}, started from run {parents[0].run_id}, "
            "which was restarted and did not finish. Run that command again first, with overwrite."
        )
    return parents[0]


def unfinished_error(tables: Tables, writer: str | None, runs: Mapping[str, StoredRun]) -> TableError:
    """Return the error that says why no finished run can be built on, and what to do.

    Args:
        tables: Tables without a finished run.
        writer: The unfinished run whose rows the curated table contains; None if there is no such table.
        runs: Recorded runs by run id.
    """
    if writer is None:
        return TableError(f"{tables.root} has no curated table. Curate a pool into it first, or name another root.")
    finished = [run for run in runs.values() if run.is_finished and CURATED in run.output_versions]
    restore = ""
    if finished:
        last = max(finished, key=lambda run: run.output_versions[CURATED])
        version = tables.last_version_of(CURATED, last.run_id, last.output_versions[CURATED])
        restore = (
            f", or return to run {last.run_id}: RESTORE TABLE {tables.sql_name(CURATED)} TO VERSION AS OF {version}"
        )
    return TableError(
        f"The rows of {tables.path(CURATED)} belong to run {writer}, which has not finished. Run the same command "
        f"again to complete it{restore}"
    )


def lineage(runs: Mapping[str, StoredRun], run: StoredRun) -> list[StoredRun]:
    """Return the runs that a run's rows went through, from the first curation to the run itself.

    Raises:
        TableError: One of them is no longer recorded.
    """
    found = [run]
    while found[-1].parent_run_id in runs:
        found.append(runs[str(found[-1].parent_run_id)])
    if found[-1].stage != CURATE:
        raise TableError(
            f"Run {found[-1].parent_run_id}, from which run {found[-1].run_id} started, is no longer recorded in "
            "`runs`. Curate again."
        )
    return found[::-1]


def rows_of_run(tables: Tables, run: StoredRun, state: TablesState) -> DataFrame:
    """Return the rows that a finished run left in the curated table and the reserve, even if they were replaced since.

    Args:
        tables: Tables of the run.
        run: A run of `state.runs`.
        state: State of these tables.

    Returns:
        Each table at one fixed version, so that the rows stay the same while the tables are written.

    Raises:
        TableError: One of the tables, or the version of it, no longer exists.
    """
    parts = [
        _rows_of_table(tables, run, state.states[name], name)
        for name in (CURATED, RESERVE)
        if name in run.output_versions
    ]
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _rows_of_table(tables: Tables, run: StoredRun, state: State, name: str) -> DataFrame:
    written = run.output_versions[name]
    is_newest = state.run_id == run.run_id or state.version < 0
    version = state.version if is_newest else tables.last_version_of(name, run.run_id, written)
    rows = tables.read(name, version=version, newest=state.version) if state.version >= 0 else None
    if rows is None:
        raise TableError(
            f"Run {run.run_id} wrote rows to {tables.path(name)}, which no longer exists. Restore the folder, or "
            "curate again."
        )
    return rows
