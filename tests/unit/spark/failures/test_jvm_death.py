"""A refused connection to the JVM becomes its cause: the exit code, the last words and the settings in force."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark import SparkContext

from metaclip_spark.cli.parser import build_parser
from metaclip_spark.spark.failures.jvm_death import death_of_jvm, remember_launch
from metaclip_spark.spark.job_errors import named_error

OUT_OF_MEMORY = "java.lang.OutOfMemoryError: Java heap space"
CASES = [
    ("sys.exit(52)", "", r"ran out of memory and ended\. .*spark\.driver\.memory=4g\. Raise it: .*memory=8g"),
    ("sys.exit(1)", OUT_OF_MEMORY, r"ran out of memory and ended\."),
    ("os.kill(os.getpid(), 9)", "", r"was killed \(signal 9\).* GiB.*spark\.driver\.memory=4g.*--master local\[1\]"),
    ("os.kill(os.getpid(), 15)", "", r"has ended \(exit code -15\)"),
    ("sys.exit(134)", "", r"has ended \(exit code 134\)"),
]
FAILURES = [ConnectionRefusedError(111, "refused"), Py4JNetworkError("Answer from Java side is empty"), EOFError()]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize(("end", "words", "said"), CASES)
def test_death(end: str, words: str, said: str, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", f"import os, sys; {end}"]) as process:
        monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace(proc=process))
        remember_launch({"spark.driver.memory": "4g"}, lambda: words)
        error = named_error(failure)
    assert error is not None
    assert error.exit_code == 5
    assert re.search(said, str(error)), error
    option = [
        word for word in str(error).replace(").", "").split() if word.startswith(("spark.driver.memory=8g", "local[1]"))
    ]
    name = "--master" if "local" in option[0] else "--spark-conf"
    build_parser().parse_args(["inspect", "--tables", "x", name, option[0].rstrip(".")])


def test_a_living_jvm_and_other_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert death_of_jvm(ValueError()) is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace(proc=process))
        assert death_of_jvm(ValueError("another error")) is None
        process.communicate(b"\n")
    monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace())  # launched by spark-submit
    assert death_of_jvm(ValueError("another error")) is None
    assert "JVM has ended;" in str(death_of_jvm(ConnectionRefusedError()))
