"""An Airflow installation with its own environment and database, which runs the DAG in new processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Installation:
    """An Airflow environment, and the folder of its runs.

    Attributes:
        python: Python of Airflow's environment.
        folder: Folder of logs and database.
        environment: Environment variables of a run.
    """

    python: Path
    folder: Path
    environment: dict[str, str]

    def run(self, date: str, pool_name: str | None = None, retries: int = 3) -> dict[str, Any]:
        """Run the DAG once. Its log is `DATE-NAME.log` in the folder, or `DATE.log` if no pool name is given."""
        given = {} if pool_name is None else {"pool_name": pool_name}
        script = Path(__file__).with_name("dag_run.py")
        command = [self.python, script, date, json.dumps(given), str(retries)]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        (self.folder / f"{'-'.join([date, *given.values()])}.log").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6_000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def airflow_python(repository: Path, folder: Path) -> Path:
    """Return the Python of the environment that METACLIP_SPARK_TEST_AIRFLOW names, by default of a new one."""
    named = os.environ.get("METACLIP_SPARK_TEST_AIRFLOW")
    if named:
        return Path(named)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    requirements = repository / "jobs" / "airflow" / "requirements.txt"
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--requirement", requirements], check=True)
    return folder / "bin" / "python"


def installation_in(folder: Path, python: Path, repository: Path, settings: dict[str, str]) -> Installation:
    """Return an installation with a new database."""
    kept = ("HOME", "JAVA_HOME", "PATH", "TMPDIR", "PYTHONPATH")
    environment = {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository / "jobs" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        **settings,
    }
    migrate = [python.parent / "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    return Installation(python, folder, environment)
