"""Sessions that can be used, and those that cannot: each refusal names what is missing and the remedy.

A test that needs its own JVM runs in its own process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyspark
import pytest
from delta.tables import DeltaTable
from pyspark import SparkContext

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session import build_session, check_session
from metaclip_spark.spark.session.delta import DELTA_CATALOG, DELTA_EXTENSION, JARS_VARIABLE, delta_package
from metaclip_spark.spark.session_features import has_spark_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_delta_works_with_the_reduced_jars(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    spark.range(10).write.format("delta").save(path)
    spark.range(10, 12).write.format("delta").mode("append").save(path)
    table = DeltaTable.forPath(spark, path)
    table.delete("id = 3")
    table.alias("t").merge(spark.range(20).alias("s"), "t.id = s.id").whenNotMatchedInsertAll().execute()
    table.optimize().executeCompaction()
    assert table.toDF().count() == 20
    assert spark.read.format("delta").option("versionAsOf", 1).load(path).count() == 12


def test_arrow_does_not_check_again_what_spark_has_checked(spark: SparkSession) -> None:
    arrow = spark._jvm.org.apache.arrow
    assert not arrow.memory.BoundsChecking.BOUNDS_CHECKING_ENABLED
    assert not arrow.vector.NullCheckingForGet.NULL_CHECKING_ENABLED


def test_jars_are_few(spark: SparkSession) -> None:
    names = [Path(jar).name for jar in spark.conf.get("spark.repl.local.jars").split(",")]
    assert [name for name in names if not name.startswith("io.")] == []


def test_python_workers_run_this_interpreter(spark: SparkSession) -> None:
    def executable(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            yield pa.record_batch({"executable": [sys.executable]})

    rows = spark.range(1, numPartitions=1).mapInArrow(executable, "executable string").collect()
    assert {row.executable for row in rows} == {sys.executable}


def test_active_session_is_reused(spark: SparkSession) -> None:
    assert build_session() is spark
    check_session(spark)


def test_the_features_of_a_session_are_found_out_once(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    check_session(spark)
    assert has_spark_context(spark)

    def again(*_: object) -> None:
        raise AssertionError("found out again")

    monkeypatch.setattr(type(spark), "sql", again)
    monkeypatch.setattr(SparkContext, "broadcast", again)
    check_session(spark)
    assert has_spark_context(spark)


def test_runtime_settings_are_applied_to_an_active_session(spark: SparkSession) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    try:
        build_session(settings={"spark.sql.shuffle.partitions": "3"})
        assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


def test_other_static_settings_are_refused_all_at_once(spark: SparkSession) -> None:
    static = {"spark.driver.memory": "9g", "spark.sql.warehouse.dir": "/elsewhere"}
    with pytest.raises(EnvironmentProblemError) as caught:
        build_session(settings=static | {"spark.sql.shuffle.partitions": "5"})
    message = str(caught.value)
    assert "spark.driver.memory=2g" in message
    assert "spark.driver.memory=9g" in message
    assert "spark.sql.warehouse.dir=/elsewhere" in message
    assert "spark.stop()" in message
    assert spark.conf.get("spark.sql.shuffle.partitions") != "5", "nothing is set when anything is refused"


class Bad(NamedTuple):
    name: str
    script: str
    says: tuple[str, ...]


BAD = [
    Bad(
        "the user's session has no Delta settings",
        """
        builder = SparkSession.builder.master("local[1]")
        builder.config("spark.sql.extensions", "com.example.Other").getOrCreate()
        build_session()
        """,
        (
            f"spark.sql.extensions=com.example.Other,{DELTA_EXTENSION}",
            f"spark.sql.catalog.spark_catalog={DELTA_CATALOG}",
            delta_package(pyspark.__version__),
        ),
    ),
    Bad(
        "settings without the jar",
        """
        builder = SparkSession.builder.master("local[1]")
        for key, value in DELTA_SETTINGS.items():
            builder = builder.config(key, value)
        check_session(builder.getOrCreate())
        """,
        ("cannot use it", f"spark.jars.packages={delta_package(pyspark.__version__)}"),
    ),
    Bad(
        "no network for the jars",
        """
        build_session(
            master="local[1]",
            settings={"spark.jars.ivy": "ivy", "spark.jars.ivySettings": "no_repository.xml"},
        )
        """,
        (delta_package(pyspark.__version__), "unresolved dependency", "no network", JARS_VARIABLE, "ivySettings"),
    ),
    Bad(
        "a jar that does not exist",
        """
        build_session(master="local[1]", settings={"spark.jars": "/no/such.jar"})
        """,
        ("cannot use it", "/no/such.jar does not exist"),
    ),
    Bad(
        "a setting that Spark refuses",
        """
        try:
            build_session(master="local[1]", settings={"spark.driver.memory": "much"})
        except EnvironmentProblemError as error:
            print(error)
        """,
        ("ended before it was ready", "much"),
    ),
    Bad(
        "a master that does not exist",
        """
        build_session(master="locl[2]")
        """,
        ("cannot be started", "locl[2]", "Correct the master"),
    ),
    Bad(
        "a value that Spark refuses later",
        """
        build_session(master="local[1]", settings={"spark.sql.shuffle.partitions": "many"})
        """,
        ("cannot be started", "many", "--spark-conf"),
    ),
]

NO_REPOSITORY = """<ivysettings><settings defaultResolver="none"/><resolvers><filesystem name="none">
<artifact pattern="{folder}/nothing/[artifact]-[revision].[ext]"/></filesystem></resolvers></ivysettings>"""

PRELUDE = """
from pyspark.sql import SparkSession
from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session import build_session, check_session
from metaclip_spark.spark.session.delta import DELTA_SETTINGS
try:
{body}
except EnvironmentProblemError as error:
    print(error)
"""


def run_alone(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    body = textwrap.indent(textwrap.dedent(script).strip(), "    ")
    return subprocess.run(
        [sys.executable, "-c", PRELUDE.format(body=body)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_refused_with_the_remedy(case: Bad, tmp_path: Path) -> None:
    (tmp_path / "no_repository.xml").write_text(NO_REPOSITORY.format(folder=tmp_path))
    run = run_alone(case.script, tmp_path)
    assert run.returncode == 0, run.stderr
    assert [part for part in case.says if part not in run.stdout + run.stderr] == []


def test_a_session_starts_quietly(tmp_path: Path) -> None:
    script = """
    spark = build_session(master="local[1]", progress=print)
    spark._jvm.java.lang.System.err.println("written later")
    __import__("time").sleep(1)
    spark.stop()
    """
    run = run_alone(script, tmp_path)
    assert run.stdout == "Starting Spark on local[1]\n"
    assert run.stderr == "written later\n"


@pytest.mark.slow
def test_jars_folder_needs_no_network(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "no_repository.xml").write_text(NO_REPOSITORY.format(folder=tmp_path))
    jars = tmp_path / "jars"
    jars.mkdir()
    for jar in spark.conf.get("spark.repl.local.jars").split(","):  # their folder may have other releases too
        shutil.copy(jar.removeprefix("file:"), jars)
    script = """
    spark = build_session(
        master="local[1]",
        settings={"spark.jars.ivy": "ivy", "spark.jars.ivySettings": "no_repository.xml"},
    )
    spark.range(3).write.format("delta").save("table")
    print(spark.read.format("delta").load("table").count(), "rows")
    """
    run = run_alone(script, tmp_path, **{JARS_VARIABLE: str(jars)})
    assert run.stdout.endswith("3 rows\n"), run.stdout + run.stderr


def test_jars_folder_without_delta(tmp_path: Path) -> None:
    (tmp_path / "guava.jar").touch()
    run = run_alone(f"build_session(jars=__import__('pathlib').Path({str(tmp_path)!r}))", tmp_path)
    assert "has 1 jars, but not delta-spark" in run.stdout, run.stderr


def test_jars_folder_with_two_releases_of_delta(tmp_path: Path) -> None:
    for name in ("io.delta_delta-spark_2.13-4.0.0.jar", "io.delta_delta-spark_4.2_2.13-4.4.0.jar"):
        (tmp_path / name).touch()
    run = run_alone(f"build_session(jars=__import__('pathlib').Path({str(tmp_path)!r}))", tmp_path)
    assert "2 releases of delta-spark: io.delta_delta-spark_2.13-4.0.0.jar, io.delta_delta-spark_4.2" in run.stdout
    assert "Leave only the jars of one, io.delta:delta-spark_4." in run.stdout, run.stderr


def test_without_pyspark_the_extra_is_named(tmp_path: Path) -> None:
    script = """
    import importlib.util
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *rest: None if name == "pyspark" else find(name, *rest)
    build_session()
    """
    run = run_alone(script, tmp_path)
    assert "metaclip-spark[local]" in run.stdout, run.stderr
