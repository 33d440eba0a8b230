"""The Databricks bundle loads into Databricks' own classes, which refuse unknown keys, and has the stages of the list.

    pytest -m bundle

first makes an environment with databricks-bundles; METACLIP_SPARK_TEST_BUNDLES names the Python of an existing one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from metaclip_spark.cli.parser import build_parser, without_empty_names

BUNDLES = ("databricks-bundles==1.22.1", "pyyaml==6.0.3")


@pytest.fixture(scope="module")
def stages(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "jobs" / "stages.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("METACLIP_SPARK_TEST_BUNDLES")
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("bundles-venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *BUNDLES], check=True)
    return folder / "bin" / "python"


def load(python: Path, bundle: Path) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).parents[2] / "support" / "load_bundle.py"
    return subprocess.run([python, script, bundle], capture_output=True, text=True, check=False)


@pytest.mark.bundle
def test_the_bundle_has_the_stages(python: Path, repository: Path, stages: dict[str, Any]) -> None:
    loaded = load(python, repository / "jobs" / "databricks" / "databricks.yml")
    assert loaded.returncode == 0, loaded.stderr
    bundle = json.loads(loaded.stdout)
    job = bundle["jobs"]["periodic"]
    assert [parameter["name"] for parameter in job["parameters"]] == list(stages["parameters"])
    by_name = {parameter["name"]: parameter["default"] for parameter in job["parameters"]}
    assert {name: by_name[name] for name, default in stages["parameters"].items() if default} == {
        name: default for name, default in stages["parameters"].items() if default
    }
    tasks = [
        {
            "name": task["task_key"],
            "job": Path(task["spark_python_task"]["python_file"]).name,
            "arguments": [
                re.sub(r"\{\{job\.parameters\.(\w+)\}\}", r"{\1}", argument)
                for argument in task["spark_python_task"]["parameters"]
            ],
        }
        for task in job["tasks"]
    ]
    assert tasks == [{key: stage[key] for key in ("name", "job", "arguments")} for stage in stages["stages"]]
    follows = [[task["task_key"] for task in task.get("depends_on", [])] for task in job["tasks"]]
    assert follows == [[], *([stage["name"]] for stage in stages["stages"][:-1])]
    assert job["max_concurrent_runs"] == 1


@pytest.mark.bundle
def test_every_file_of_the_bundle_exists(python: Path, repository: Path) -> None:
    folder = repository / "jobs" / "databricks"
    jobs = json.loads(load(python, folder / "databricks.yml").stdout)["jobs"]
    tasks = [task for job in jobs.values() for task in job["tasks"]]
    named = [task["spark_python_task"]["python_file"] for task in tasks if "spark_python_task" in task]
    named += [task["notebook_task"]["notebook_path"] for task in tasks if "notebook_task" in task]
    assert [name for name in named if not (folder / name).is_file()] == []


@pytest.mark.bundle
def test_a_misspelt_key_is_refused(python: Path, repository: Path, tmp_path: Path) -> None:
    text = (repository / "jobs" / "databricks" / "databricks.yml").read_text(encoding="utf-8")
    (tmp_path / "databricks.yml").write_text(text.replace("max_retries:", "max_retrys:", 1))
    assert "Unexpected field 'max_retrys' for class Task" in load(python, tmp_path / "databricks.yml").stderr


def test_every_job_takes_the_arguments_of_its_stage(repository: Path, stages: dict[str, Any]) -> None:
    for stage in stages["stages"]:
        text = (repository / "jobs" / stage["job"]).read_text(encoding="utf-8")
        command = re.search(r'main\(\["(\w+)"', text)
        assert command, stage["job"]
        filled = [re.sub(r"\{(\w+)\}", "1", argument) for argument in stage["arguments"]]
        filled = [
            "0.5" if filled[place - 1] in {"--sample", "--min-matched"} else filled[place]
            for place in range(len(filled))
        ]
        assert build_parser().parse_args([command[1], *filled]).json
        for name in ("pool_name", "text_column", "url_column"):
            emptied = ["" if argument == f"{{{name}}}" else argument for argument in stage["arguments"]]
            assert "" not in without_empty_names(emptied)
        names = {name for argument in stage["arguments"] for name in re.findall(r"\{(\w+)\}", argument)}
        assert names <= stages["parameters"].keys()
