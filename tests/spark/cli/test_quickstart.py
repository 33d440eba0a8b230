"""The installed command on the embedded example: the first run of a newcomer, and the first mistakes.

Needs no file of the source tree, so it runs against the built wheel too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_spark import example
from metaclip_spark.cli import main

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

COMMAND = Path(sys.executable).parent / "metaclip-spark"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quickstart") / "output"


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    run = subprocess.run(
        [COMMAND, "quickstart", "--output", folder.name, "--json", "--master", "local[2]"],
        cwd=folder.parent,  # a relative path, as a person would type it
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "a session starts quietly"
    return json.loads(run.stdout)


def test_rows_reconcile(report: dict[str, Any]) -> None:
    counters = report["counters"]
    assert counters["read"] == 48_223 == 2 * counters["read"] - sum(v for k, v in counters.items() if k != "read")
    assert counters["unmatched"] == 1_126
    assert report["matches"] == 157_311


def test_the_size_is_the_expected_one(report: dict[str, Any]) -> None:
    off = report["counters"]["kept"] - report["expected_size"]
    assert abs(off) <= 4 * report["expected_deviation"]


def test_head_and_tail_are_visible(report: dict[str, Any]) -> None:
    english = report["languages"]["en"]
    assert english["entries"] == 86_654 == english["head"] + english["tail"] + english["never_matched"]
    assert english["head"] > 10_000
    assert english["tail"] > 10_000
    assert english["top_entries"][0] == ["a", 11_878]


def test_every_row_explains_itself(report: dict[str, Any], spark: SparkSession) -> None:
    curated = spark.read.format("delta").load(report["tables"]["curated"])
    t = report["languages"]["en"]["t"]
    assert curated.count() == report["counters"]["kept"]
    assert curated.where(f"admission_threshold > {t} OR draw >= probability OR size(matched_entries) = 0").count() == 0
    assert curated.select("uid").distinct().count() == curated.count()


def test_probability_and_threshold_follow_from_the_tables(report: dict[str, Any], spark: SparkSession) -> None:
    counts = {
        row.entry_id: row["count"]
        for row in spark.read.format("delta").load(report["tables"]["entry_counts"]).collect()
    }
    t = report["languages"]["en"]["t"]
    for row in spark.read.format("delta").load(report["tables"]["curated"]).limit(200).collect():
        miss = 1.0
        for entry in row.matched_entries:
            miss *= 1.0 - min(1.0, t / counts[entry])
        assert row.probability == 1.0 - miss
        at_threshold = 1.0
        for entry in row.matched_entries:
            at_threshold *= 1.0 - min(1.0, row.admission_threshold / counts[entry])
        assert at_threshold <= 1.0 - row.draw


def test_a_second_run_does_nothing(
    report: dict[str, Any], folder: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spark is not None  # the session of this process is used and not stopped
    assert main(["quickstart", "--output", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "finished before" in shown
    assert f"Kept {report['counters']['kept']:,} of 48,223 rows" in shown
    assert spark.range(1).count() == 1


class Refused(NamedTuple):
    name: str
    change: dict[str, str | None]
    exit_code: int
    says: tuple[str, ...]


REFUSED = [
    Refused("no such column", {"--text-column": "caption"}, 3, ("'caption'", "image_url, text, synset")),
    Refused("no such pool", {"--pool": "absent"}, 3, ("absent",)),
    Refused("no such metadata", {"--metadata": "absent.txt"}, 3, ("absent.txt",)),
    Refused("no such metadata table", {"--metadata": "absent"}, 3, ("absent", ".txt")),
    Refused("rows without identity", {"--url-column": None, "--drop": "image_url"}, 2, ("have no id", "--id-column")),
    Refused("threshold 0", {"--t": "0"}, 2, ("0.0",)),
    Refused("another run's table", {"--t": "3"}, 6, ("overwrite",)),
    Refused("not an artifact", {"--metadata": "pool/part-0.parquet"}, 4, ("part-0.parquet",)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
@pytest.mark.usefixtures("spark", "report")
def test_refused_with_one_message(
    case: Refused, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    options = {
        "--pool": "pool",
        "--url-column": "image_url",
        "--metadata": str(example.metadata_path()),
        "--tables": "tables",
        "--t": "2",
    }
    given = {name: value for name, value in (options | case.change).items() if value is not None}
    capsys.readouterr()
    assert main(["curate", *(part for option in given.items() for part in option)]) == case.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    message = captured.err.partition("metaclip-spark: ")[2]
    assert [part for part in case.says if part not in message] == []
    assert "Traceback" not in captured.err


def test_curate_a_delta_pool_by_relative_paths(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = pa.table({"key": [1, 2, 3], "caption": ["a red photo", None, "no match"], "width": [10, 20, 30]})
    pq.write_table(table, tmp_path / "pool.parquet")
    spark.read.parquet(str(tmp_path / "pool.parquet")).write.format("delta").save(str(tmp_path / "pool"))
    (tmp_path / "list.txt").write_text("photo\nred\n")
    assert main(["compile", "list.txt", "--output", "list.mcs"]) == 0
    capsys.readouterr()
    arguments = ["--pool", "pool", "--format", "delta", "--id-column", "key", "--text-column", "caption"]
    assert main(["curate", *arguments, "--metadata", "list.mcs", "--tables", "out", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["counters"] | {"read": 3, "null": 1, "unmatched": 1, "kept": 1} == report["counters"]
    row = spark.read.format("delta").load(str(tmp_path / "out" / "curated")).collect()
    assert [(r.uid, r.text, r.width, r.matched_entries) for r in row] == [(1, "a red photo", 10, [0, 1])]
