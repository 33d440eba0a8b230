"""The address for Spark's JVM: set before the JVM resolves the machine's name, and removed afterwards."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

import pyspark.java_gateway
import pytest
from pyspark import SparkContext
from pyspark.errors import PySparkRuntimeError

from metaclip_spark.errors import EnvironmentProblemError
from metaclip_spark.host.address import VARIABLE
from metaclip_spark.spark.session import build
from metaclip_spark.spark.session.delta import JARS_VARIABLE


class Case(NamedTuple):
    name: str
    master: str | None
    before: str | None  # what the user has set
    within: str | None  # what the JVM gets


CASES = [
    Case("local", "local[2]", None, "127.0.0.1"),
    Case("local by default", None, None, "127.0.0.1"),
    Case("executors on this machine", "local-cluster[2,1,1024]", None, "127.0.0.1"),
    Case("the user's own", "local[2]", "127.0.0.2", "127.0.0.2"),
    Case("a cluster must reach the driver", "spark://host:7077", None, None),
    Case("a cluster, the user's own", "spark://host:7077", "10.0.0.1", "10.0.0.1"),
]


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what this process has: its session, a submit, Java."""
    monkeypatch.setattr(build, "_active_session", lambda: None)
    monkeypatch.setattr(build, "_jvm_is_ours", lambda: True)
    monkeypatch.setattr(build, "java_home", lambda _: None)
    monkeypatch.setattr(build, "check_session", lambda _: None)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(JARS_VARIABLE, raising=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("fails", [False, True], ids=["starts", "fails"])
def test_the_address_while_the_jvm_starts(case: Case, *, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.before is not None:
        monkeypatch.setenv(VARIABLE, case.before)
    seen = []

    def start(*_: object) -> None:
        seen.append(os.environ.get(VARIABLE))
        if fails:
            raise OSError("no memory for a process")

    monkeypatch.setattr(build, "_start", start)
    if fails:
        with pytest.raises(OSError, match="no memory"):
            build.build_session(master=case.master)
    else:
        build.build_session(master=case.master)
    assert seen == [case.within]
    assert os.environ.get(VARIABLE) == case.before


@pytest.mark.parametrize("known", [False, True], ids=["nameless", "named"])
@pytest.mark.parametrize("master", ["spark://host:7077", "local[1]"])
def test_a_name_without_an_address_is_named(*, known: bool, master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(*_: object, **__: object) -> None:
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    def look_up(name: str) -> str:
        if not known:
            raise socket.gaierror(-2, "Name or service not known")
        return name

    monkeypatch.setattr(pyspark.java_gateway, "launch_gateway", launch)
    monkeypatch.setattr(SparkContext, "_gateway", None)
    monkeypatch.setattr(socket, "gethostname", lambda: "nameless-host")
    monkeypatch.setattr(socket, "gethostbyname", look_up)
    with pytest.raises(EnvironmentProblemError) as caught:
        build.build_session(master=master)
    message = str(caught.value)
    about_the_name = not known and not master.startswith("local")
    assert all((part in message) == about_the_name for part in ("nameless-host", "not known", VARIABLE)), message
    assert ("Maven" in message) != about_the_name, message
