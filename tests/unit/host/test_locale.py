"""The JVM that this process launches gets a locale with UTF-8, and only that one."""

from __future__ import annotations

import os
import sys

import pytest

from metaclip_spark.host.locale import child_locale, has_utf8

CASES = [
    ({}, True),
    ({"LC_ALL": "C"}, True),
    ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
    ({"LC_ALL": "", "LANG": "C"}, True),
    ({"LANG": "de_DE.utf8"}, False),
    ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False),
    ({"LC_ALL": "ja_JP.UTF-8"}, False),
]


@pytest.mark.parametrize(("variables", "changed"), CASES, ids=str)
def test_locale(variables: dict[str, str], changed: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with child_locale():
        assert (dict(os.environ) != before) is changed
        assert has_utf8(os.environ)
    assert dict(os.environ) == before


def test_another_encoding_of_python_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.ISO-8859-1")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    with child_locale():
        assert os.environ["LC_ALL"] == "de_DE.ISO-8859-1"
