"""What a run is: a digest of everything that can change its result, and what is left of it if it was started before."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from metaclip_spark.core.draw import DRAW_VERSION
from metaclip_spark.core.spacing import SEMANTICS_VERSION
from metaclip_spark.errors import TableError
from metaclip_spark.runs.report import CurateReport
from metaclip_spark.spark.progress import log_event
from metaclip_spark.tables.schemas import CURATED, RUNS, RUNS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Row

    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.pool import Pool
    from metaclip_spark.core.matching.compiled_metadata import CompiledMetadata
    from metaclip_spark.pools.source import Source
    from metaclip_spark.tables.tables import Tables

COUNT, CURATE, BALANCE, APPEND = "count", "curate", "balance", "append"
FINISHED, AGAIN = "finished", "again"
_DIGITS = 32


@dataclass(frozen=True)
class RunPlan:
    """Identity of a run.

    Attributes:
        run_id: digest of pool, metadata, configuration and the versions of the rules.
        counts_version: digest of what the counts depend on; runs at other t or seed share them.
        metadata_digests: by language.
        configuration: columns and configuration, as stored.
        source: what is read.
        pool: the pool as asked for.
        frozen: the counts of another pool that balance its rows; None: its own.
    """

    run_id: str
    counts_version: str
    metadata_digests: Mapping[str, str]
    configuration: dict[str, Any]
    source: Source
    pool: Pool
    frozen: str | None = None

    @property
    def balanced_by(self) -> str:
        """Key of the counts that balance the rows."""
        return self.frozen or self.counts_version


def plan_run(
    pool: Pool,
    source: Source,
    metadata: Mapping[str, CompiledMetadata],
    config: CurateConfig,
    *,
    frozen: str | None = None,
) -> RunPlan:
    """The identity of a run: equal inputs give equal ids, on any machine.

    Args:
        pool: as asked for.
        source: what it holds.
        metadata: by language.
        config: how to balance.
        frozen: the counts of another pool that balance the rows.
    """
    digests = {language: compiled.metadata_digest for language, compiled in metadata.items()}
    plan = plan_by_digests(pool, source, digests, config)
    if frozen is None:
        return plan
    configuration = plan.configuration | {"frozen": frozen}
    return replace(plan, run_id=digest([plan.run_id, frozen]), configuration=configuration, frozen=frozen)


def plan_by_digests(pool: Pool, source: Source, metadata_digests: Mapping[str, str], config: CurateConfig) -> RunPlan:
    """The same, where the metadata is known by its digests."""
    counted: dict[str, Any] = {
        "source": source.digest,
        "pool_name": pool.name,
        "text": pool.columns.text,
        "language": pool.columns.language,
        "metadata": dict(metadata_digests),
        "semantics_version": SEMANTICS_VERSION,
    }
    of_pool = pool.settings()
    if "reading" in of_pool:
        counted["reading"] = of_pool["reading"]
    decided = counted | {"configuration": of_pool | config.identity(), "draw_version": DRAW_VERSION}
    configuration = of_pool | asdict(config)
    return RunPlan(digest(decided), digest(counted), metadata_digests, configuration, source, pool)


def earlier_runs(tables: Tables, plan: RunPlan) -> dict[str, Row]:
    """Rows of the runs table that this run can build on, by stage: its counts, and itself, finished or begun again."""
    runs = tables.read(RUNS)
    if runs is None:
        return {}
    return {row.stage: row for row in runs.where(runs.run_id.isin(plan.run_id, plan.counts_version)).collect()}


def finished_report(plan: RunPlan, earlier: Mapping[str, Row], writer: str | None) -> CurateReport | None:
    """The report of this very run, if it is done and its rows are still the table's.

    Args:
        plan: the run.
        earlier: of `earlier_runs`.
        writer: the run whose rows the curated table holds; None: there are none.
    """
    own = earlier.get(CURATE)
    if own is None or own.status != FINISHED or writer != plan.run_id:
        return None
    return replace(CurateReport.from_dict(json.loads(own.report)), already_finished=True)


def begin_again(tables: Tables, plan: RunPlan, earlier: Mapping[str, Any]) -> None:
    """Before a run writes its rows again: take back the mark that it is whole, lest it hide that it stopped half-way.

    The rest of what is recorded of it stays: the rows of later runs are understood through it.

    Args:
        tables: of the output.
        plan: the run.
        earlier: runs, by whatever they are told by; this one may be among them.
    """
    if any(run.run_id == plan.run_id and run.status == FINISHED for run in earlier.values()):
        tables.update_column(RUNS, "status", AGAIN, f"run_id = '{plan.run_id}'")


def refuse_another_result(tables: Tables, plan: RunPlan, writer: str | None, *, overwrite: bool) -> None:
    """Keep a curated table that another run wrote, unless it is to be overwritten.

    Args:
        tables: of the output.
        plan: the run.
        writer: the run whose rows the curated table holds; None: there are none.
        overwrite: whether that is meant.

    Raises:
        TableError: there is one.
    """
    if overwrite or writer is None or writer == plan.run_id:
        return
    runs = tables.read(RUNS)
    for run in [] if runs is None else runs.where(runs.run_id == writer).take(1):
        refuse_other_rules(run)
    raise TableError(
        f"{tables.path(CURATED)} holds the rows of run {writer}; this is run {plan.run_id}, of another pool, "
        "metadata or configuration: use another output, or overwrite (the old version stays readable by time travel)"
    )


def refuse_other_rules(run: Any) -> None:
    """Rows of other rules cannot be compared with rows of these, nor stand beside them.

    Raises:
        TableError: the run's semantics_version or draw_version is another one.
    """
    theirs, ours = (run.semantics_version, run.draw_version), (SEMANTICS_VERSION, DRAW_VERSION)
    if theirs != ours:
        raise TableError(
            f"run {run.run_id} went by other rules: semantics version {theirs[0]} and draw version {theirs[1]}, where "
            f"this package has {ours[0]} and {ours[1]}: its rows cannot be compared, balanced again or joined by "
            "others. Curate its pool again, into another output or in place of it with overwrite, or use the package "
            "that wrote it"
        )


def run_row(
    plan: RunPlan,
    *,
    stage: str,
    started_at: dt.datetime,
    counters: Mapping[str, int],
    output_versions: Mapping[str, int],
    report: CurateReport | None = None,
    parent: str | None = None,
) -> dict[str, Any]:
    """The row of a run that is finished, now.

    Args:
        plan: the run.
        stage: what kind of run; a counting run bears the name of its counts.
        started_at: UTC.
        counters: rows by what became of them.
        output_versions: of the tables written.
        report: its figures; None for counting.
        parent: the run whose result it uses, if that is not the counting run.
    """
    now = dt.datetime.now(dt.UTC)
    return {
        "run_id": plan.counts_version if stage == COUNT else plan.run_id,
        "parent_run_id": plan.balanced_by if stage == CURATE else parent,
        "stage": stage,
        "status": FINISHED,
        "started_at": started_at,
        "finished_at": now,
        "seconds": (now - started_at).total_seconds(),
        "t": {language: figures.t for language, figures in report.languages.items()} if report else None,
        "metadata_digests": dict(plan.metadata_digests),
        "counts_version": plan.counts_version if stage == COUNT else plan.balanced_by,
        "seed": str(report.seed) if report else None,
        "semantics_version": SEMANTICS_VERSION,
        "draw_version": DRAW_VERSION if report else None,
        "software": _software(),
        "configuration": json.dumps(plan.configuration, sort_keys=True),
        "inputs": json.dumps(
            plan.source.description | {"digest": plan.source.digest, "pool_name": plan.pool.name}, sort_keys=True
        ),
        "output_versions": dict(output_versions),
        "counters": dict(counters),
        "expected_size": report.expected_size if report else None,
        "expected_deviation": report.expected_deviation if report else None,
        "report": json.dumps(report.as_dict(), sort_keys=True) if report else None,
    }


def record(tables: Tables, *runs: Mapping[str, Any], new: bool = False) -> None:
    """Write rows of runs in one commit: last of all, as the mark that they are whole.

    Args:
        tables: of the output.
        runs: of `run_row`.
        new: whether it is known that none of them was there when this run began.
    """
    rows = [tuple(values[name] for name in RUNS_SCHEMA.names) for values in runs]
    named = ", ".join(f"'{values['run_id']}'" for values in runs)
    # A run is there already where its rows were overwritten by another one since, and are now wanted back.
    tables.replace_rows(RUNS, tables.create_dataframe(rows, RUNS_SCHEMA), f"run_id IN ({named})", known_absent=new)
    told = ("stage", "status", "run_id", "parent_run_id", "seconds", "counters", "output_versions")
    for values in runs:
        log_event(**{name: values[name] for name in told})


def digest(values: object) -> str:
    """Name of a run: 32 hex digits over JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("metaclip-spark", "pyspark", "delta-spark", "pyarrow", "numpy", "numba"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # Databricks brings Delta without its Python package
            versions[package] = "not installed as a package"
    return versions
