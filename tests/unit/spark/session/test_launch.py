"""The JVM's standard error during and after a start, with a stand-in for the JVM."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pyspark.java_gateway
import pytest
from pyspark import SparkConf
from pyspark.errors import PySparkRuntimeError

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.spark.session.launch import quiet_gateway

if TYPE_CHECKING:
    from collections.abc import Callable

IVY = b""":: loading settings
:::: WARNINGS
Exception in thread "main" java.lang.RuntimeException: [unresolved dependency: a#b;1: not found]
\tat org.apache.spark.deploy.SparkSubmit
"""


@pytest.fixture
def jvm(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The JVM's end of the pipe, once it has been launched."""
    ends: list[int] = []

    def launch(_: object, popen_kwargs: dict[str, int]) -> str:
        ends.append(os.dup(popen_kwargs["stderr"]))
        os.write(ends[0], IVY)
        return "gateway"

    monkeypatch.setattr(pyspark.java_gateway, "launch_gateway", launch)
    return ends


def shown(capfd: pytest.CaptureFixture[str], is_complete: Callable[[str], bool]) -> str:
    """Return what arrives on standard error, after at most 10 s."""
    output, deadline = "", time.monotonic() + 10
    while not is_complete(output) and time.monotonic() < deadline:
        output += capfd.readouterr().err
        time.sleep(0.01)
    return output


def test_only_later_output_is_passed_on(jvm: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_gateway(SparkConf(loadDefaults=False), {}) as gateway:
        time.sleep(0.1)
    assert gateway == "gateway"
    os.write(jvm[0], b"an executor was lost\n" + 100_000 * b".")
    os.close(jvm[0])
    assert shown(capfd, lambda output: output.endswith(1_000 * ".") and len(output) > 100_000).startswith("an executor")


def test_a_failure_after_the_launch_shows_everything(jvm: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> Any:
        with quiet_gateway(SparkConf(loadDefaults=False), {}):
            time.sleep(0.1)
            raise ValueError("wrong setting")

    with pytest.raises(ValueError, match="wrong setting"):
        fail()
    os.close(jvm[0])
    assert shown(capfd, lambda output: output.endswith("SparkSubmit\n")) == IVY.decode()


def test_a_jvm_that_ends_is_an_error_with_its_cause(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def launch(_: object, popen_kwargs: dict[str, int]) -> str:
        os.write(popen_kwargs["stderr"], IVY)
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    monkeypatch.setattr(pyspark.java_gateway, "launch_gateway", launch)
    with (
        pytest.raises(EnvironmentProblemError, match=r"unresolved dependency: a#b;1: not found.*a:b:1 and its"),
        quiet_gateway(SparkConf(loadDefaults=False), {"spark.jars.packages": "a:b:1"}),
    ):
        pass
    assert capfd.readouterr().err == IVY.decode()
