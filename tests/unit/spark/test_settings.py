"""Settings that can be changed in a session, and those that its server does not allow to be changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.errors import PySparkException

from metaclip_spark.spark.settings import changed_settings


class Refused(PySparkException):  # type: ignore[misc]
    """Error of a server; pyspark's own class knows only pyspark's conditions."""

    def __init__(self, condition: str) -> None:
        self._named = condition

    def getCondition(self) -> str:  # noqa: N802 - pyspark's name
        return self._named


class Conf:
    """Configuration of a server that does not allow some settings to be changed."""

    def __init__(self, condition: str) -> None:
        self.values = {"set": "1"}
        self._condition = condition

    def get(self, name: str, default: str | None) -> str | None:
        return self.values.get(name, default)

    def set(self, name: str, value: str) -> None:
        if name == "kept":
            raise Refused(self._condition)
        self.values[name] = value

    def unset(self, name: str) -> None:
        del self.values[name]


def session(conf: Conf) -> Any:
    return cast("Any", SimpleNamespace(conf=conf))


def test_changed_settings_are_restored() -> None:
    conf = Conf("CONFIG_NOT_AVAILABLE")
    with changed_settings(session(conf), {"set": "2", "kept": "3", "unset": "4"}):
        assert conf.values == {"set": "2", "unset": "4"}
    assert conf.values == {"set": "1"}
    conf = Conf("ANOTHER")
    with pytest.raises(Refused), changed_settings(session(conf), {"kept": "3"}):
        pass
