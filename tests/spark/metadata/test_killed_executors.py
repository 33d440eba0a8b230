"""`metadata build` on a cluster of two executors, one of them killed with signal 9: the same bytes are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from curate_process import CLUSTER
from dumps import dump, made_up_articles, views, write
from small_wordnet import write_wordnet
from spark_processes import finish, kind_of, processes_below, start_command

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = [pytest.mark.spark, pytest.mark.cluster]
pytest.importorskip("nltk")

SAME = ("entries.txt", "metadata.json", "entries.mcs", "manifest.json")


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments of a build that keeps its workers busy for some seconds."""
    folder = tmp_path_factory.mktemp("sources")
    articles = made_up_articles(12_000)
    parts = [
        write(folder / "dump" / f"enwiki-pages-articles{number}.xml.gz", dump(articles[number::4]))
        for number in range(4)
    ]
    titles = [f"en Title_{number}_%26_more {100 + number} 0" for number in range(0, 12_000, 9)]
    write(folder / "views" / "pageviews-20240501-000000.gz", views(titles))
    sources = ["--nltk-data", str(write_wordnet(folder / "nltk")), "--page-views", str(folder / "views"), "--dump"]
    return ["metadata", "build", "--progress", *sources, *map(str, parts)]


def wait_for(process: subprocess.Popen[str], begin: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(begin):
            return
    pytest.fail(f"no line {begin!r} in {said}")


@pytest.fixture(scope="module")
def undisturbed(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("undisturbed") / "lists"
    finish(start_command([*arguments, "--output", str(output)]))
    return {name: (output / "en" / name).read_bytes() for name in SAME}


@pytest.mark.parametrize("moment", ["while words are counted", "after it, with the counts on its disk"])
def test_a_killed_executor_changes_nothing(
    arguments: list[str], undisturbed: dict[str, bytes], tmp_path: Path, moment: str
) -> None:
    process = start_command([*arguments, "--output", str(tmp_path / "lists")], CLUSTER)
    if moment == "while words are counted":
        wait_for(process, "en: wordnet ...")
        while not (workers := list(processes_below(process.pid, "python worker"))):
            assert process.poll() is None
        executor = workers[0].parent().parent()  # the parent of the daemon that forked the worker
    else:
        wait_for(process, "en: count words ...")
        executor = next(processes_below(process.pid, "executor"))
    assert kind_of(executor) == "executor"
    executor.kill()
    finish(process)
    assert {name: (tmp_path / "lists" / "en" / name).read_bytes() for name in SAME} == undisturbed
