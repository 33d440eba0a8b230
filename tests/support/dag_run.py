"""One run of the DAG in Airflow's environment, task by task in this process. Prints the state of each task as JSON.

AIRFLOW_HOME=… python tests/support/dag_run.py 2026-02-01 '{"pool_name": "second"}' 3
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pendulum
from airflow.dag_processing.dagbag import DagBag


def main() -> None:
    bag = DagBag()
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags["metaclip_spark_periodic"]
    for task in dag.tasks:
        task.retry_delay, task.retry_exponential_backoff = timedelta(seconds=1), 0
        task.retries = int(sys.argv[3])
    run = dag.test(logical_date=pendulum.parse(sys.argv[1]), run_conf=json.loads(sys.argv[2]))
    tasks = {
        task.task_id: {
            "state": task.state,
            "tries": task.try_number,
            "xcom": run.get_task_instance(task.task_id).xcom_pull(task.task_id),
        }
        for task in run.get_task_instances()
    }
    print(json.dumps({"state": run.state, "tasks": tasks}, default=str))


if __name__ == "__main__":
    main()
