"""Add each new pool to a curated table, by the stages of ../stages.toml. README.md beside this file describes it.

Each stage is a Spark job. A retry, or a second run for the same date, finds what is done and adds no
rows and no version.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pendulum
from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk import DAG, Param, chain, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

CLONE: Final = Path(os.environ.get("METACLIP_SPARK_CLONE", Path(__file__).resolve().parent.parent.parent))
DRIVER_PYTHON: Final = os.environ.get("METACLIP_SPARK_DRIVER_PYTHON", str(CLONE / ".venv" / "bin" / "python"))
STAGES: Final = tomllib.loads((CLONE / "jobs" / "stages.toml").read_text(encoding="utf-8"))
PLATFORM: Final = os.environ.get("METACLIP_SPARK_PLATFORM", "spark")
VARIABLE: Final = "metaclip_spark"
"""Airflow variable with the parameters of this installation, as JSON; the parameters of a run override it."""

ERROR: Final = "metaclip-spark: "
WARNING: Final = f"{ERROR}warning: "
EXIT_CODE: Final = re.compile(r"Error code is: (\d+)")
# Options or settings, an artifact, figures that do not agree: a retry fails in the same way. Other errors may be
# over by then: an incomplete pool, a table that another run writes to, lost executors.
FINAL_CODES: Final = frozenset({2, 4, 7})
XCOM: Final = (
    "run_id",
    "already_finished",
    "counters",
    "output_versions",
    "tables",
    "rows",
    "version",
    "read",
    "sampled",
)
"""Parts of a stage's report that go on to the next tasks: paths and counters."""


def value(name: str, params: Mapping[str, Any], variable: Mapping[str, Any], dag_run: Any) -> str:
    """Return a parameter with {pool_name} replaced: the value of the run, of Airflow's variable, or the default.

    >>> from types import SimpleNamespace
    >>> scheduled = SimpleNamespace(data_interval_end=pendulum.datetime(2026, 3, 1))
    >>> value("pool", {"pool_name": ""}, {"pool": "pools/{pool_name}"}, scheduled)
    'pools/2026-02'
    >>> by_hand = SimpleNamespace(data_interval_end=None, run_after=pendulum.datetime(2026, 1, 9))
    >>> value("pool_name", {}, {}, by_hand), value("pool_name", {"pool_name": "ours"}, {}, by_hand)
    ('2025-12', 'ours')
    """
    chosen = str(params.get(name) or variable.get(name, STAGES["parameters"][name]))
    if name == "pool_name":
        return chosen or month_ended(dag_run.data_interval_end or dag_run.run_after)
    if "{pool_name}" in chosen:
        chosen = chosen.replace("{pool_name}", value("pool_name", params, variable, dag_run))
    return chosen


def month_ended(by: datetime) -> str:
    """Return the last month that ended before a time; a scheduled run starts when its month has ended.

    >>> [month_ended(pendulum.datetime(*day)) for day in ((2026, 3, 1), (2026, 3, 31), (2026, 1, 1))]
    ['2026-02', '2026-02', '2025-12']
    """
    return (by.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def arguments(stage: Mapping[str, Any]) -> list[str]:
    """Return a stage's arguments as Airflow templates."""
    templated = "{{{{ value('{}', params, var.json.get('" + VARIABLE + "', {{}}), dag_run) }}}}"
    return [re.sub(r"\{(\w+)\}", lambda name: templated.format(name[1]), argument) for argument in stage["arguments"]]


def without_empty(rendered: list[str]) -> list[str]:
    """Return the arguments without the options whose value is empty.

    >>> without_empty(["--pool", "p", "--url-column", "", "--json"])
    ['--pool', 'p', '--json']
    """
    pairs = zip(rendered, [*rendered[1:], None], strict=True)
    return [
        argument for argument, following in pairs if argument and not (argument.startswith("--") and following == "")
    ]


class ListeningHook(SparkSubmitHook):
    """Hook that keeps the last lines of the driver, which contain its report or its error."""

    lines: deque[str]

    def _process_spark_submit_log(self, itr: Iterator[Any]) -> None:
        self.lines = deque(maxlen=2_000)

        def kept() -> Iterator[Any]:
            for line in itr:
                self.lines.append(line.rstrip("\n"))
                yield line

        super()._process_spark_submit_log(kept())


class SubmitStage(SparkSubmitOperator):
    """Stage run by spark-submit. It fails with the job's error message, without retries if they would fail too."""

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        hook.__class__ = ListeningHook
        return hook

    def execute(self, context: Any) -> dict[str, Any]:  # type: ignore[override]
        """Run the job and return the main figures of its report."""
        self.application_args = without_empty(self.application_args or [])
        try:
            super().execute(context)
        except AirflowException as error:
            message = error_in(getattr(self._hook, "lines", ()))
            if message is None:
                raise
            code = EXIT_CODE.search(str(error))
            kind = AirflowFailException if code and int(code[1]) in FINAL_CODES else AirflowException
            raise kind(f"{self.task_id}: {message}") from error
        return main_figures(report_in(list(self._hook.lines))) if self._hook else {}


class RunStageOnDatabricks(DatabricksSubmitRunOperator):
    """Stage as a one-time run on Databricks."""

    def execute(self, context: Any) -> None:
        """Run the job."""
        job = self.json["spark_python_task"]
        job["parameters"] = without_empty(job["parameters"])
        super().execute(context)


def error_in(lines: Iterable[str]) -> str | None:
    """Return the error message in the last lines of a driver, or None without one, as after a kill.

    >>> error_in(["metaclip-spark: warning: no ids", "metaclip-spark: no pool", "(--debug shows the traceback)"])
    'no pool'
    >>> error_in(["metaclip-spark: warning: no ids", "Killed"])
    """
    errors = [line for line in lines if line.startswith(ERROR) and not line.startswith(WARNING)]
    return errors[-1].removeprefix(ERROR) if errors else None


def report_in(lines: list[str]) -> dict[str, Any]:
    """Return the last JSON object among the lines of a driver; empty without one, as in cluster mode."""
    ends = [number for number, line in enumerate(lines) if line == "}"]
    starts = [number for number, line in enumerate(lines) if line == "{" and ends and number < ends[-1]]
    found: dict[str, Any] = json.loads("\n".join(lines[starts[-1] : ends[-1] + 1])) if starts else {}
    return found


def main_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a report that go into an XCom."""
    return {name: report[name] for name in XCOM if name in report}


def submit(stage: Mapping[str, Any]) -> SparkSubmitOperator | DatabricksSubmitRunOperator:
    """Return the task of a stage, for the platform that METACLIP_SPARK_PLATFORM names."""
    if PLATFORM == "databricks":
        return RunStageOnDatabricks(
            task_id=stage["name"],
            doc_md=stage["description"],
            json={
                "existing_cluster_id": os.environ["METACLIP_SPARK_CLUSTER"],
                "libraries": [{"whl": os.environ["METACLIP_SPARK_WHEEL"]}],
                "spark_python_task": {
                    "python_file": f"{os.environ['METACLIP_SPARK_JOBS']}/{stage['job']}",
                    "parameters": arguments(stage),
                },
            },
        )
    return SubmitStage(
        task_id=stage["name"],
        doc_md=stage["description"],
        name=f"metaclip-spark {stage['name']}",
        application=str(CLONE / "jobs" / stage["job"]),
        application_args=arguments(stage),
        properties_file=os.environ.get("METACLIP_SPARK_PROPERTIES", str(CLONE / "conf" / "spark-submit.conf")),
        archives=f"{os.environ.get('METACLIP_SPARK_ARCHIVE', CLONE / 'environment.tar.gz')}#environment",
        conf={"spark.pyspark.driver.python": DRIVER_PYTHON},
    )


@task(trigger_rule="all_success")
def report(pool_name: str, checked: dict[str, Any] | None, appended: dict[str, Any] | None) -> dict[str, Any]:
    """Print and return the main figures of the new pool."""
    found = {"pool_name": pool_name, "checked": checked, "appended": appended}
    print(json.dumps(found, indent=2))
    return found


with DAG(
    dag_id="metaclip_spark_periodic",
    doc_md=__doc__,
    schedule=os.environ.get("METACLIP_SPARK_SCHEDULE", "@monthly"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # two runs on the same tables conflict: the later one would be refused, and retried
    params={
        name: Param("", type="string", description=f"default: {default!r}")
        for name, default in STAGES["parameters"].items()
    },
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": 2.0},
    user_defined_macros={"value": value},
    tags=["metaclip-spark"],
) as dag:
    stages = [submit(stage) for stage in STAGES["stages"]]
    by_name = {stage.task_id: stage for stage in stages}
    pool_name = "{{ value('pool_name', params, var.json.get('" + VARIABLE + "', {}), dag_run) }}"
    chain(*stages, report(pool_name, by_name["check"].output, by_name["append"].output))
