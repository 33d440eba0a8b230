"""Several languages in one build: one failure does not stop the others, and every failure is reported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from metaclip_spark.cli import main
from metaclip_spark.errors import InputError, MetaclipSparkError
from metaclip_spark.metadata import build_languages
from metaclip_spark.spark import session

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURES = {"vi": RuntimeError("no memory\nat line 3"), "af": InputError("no dump")}


@contextmanager
def no_session(**_: object) -> Iterator[None]:
    yield None


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        (["af", "vi"], "2 of 2 languages failed: af: no dump; vi: RuntimeError: no memory"),
        (["vi"], "metaclip-spark: RuntimeError: no memory"),
    ],
)
def test_unexpected_error_does_not_stop_other_languages(
    languages: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []

    def build(_spark: object, _sources: object, _output: str, language: str, *_: object, **_more: Any) -> None:
        tried.append(language)
        raise FAILURES[language]

    monkeypatch.setattr(session, "open_session", no_session)
    monkeypatch.setattr(build_languages, "build_metadata", build)
    exit_code = main(["metadata", "build", "--language", *languages, "--output", "out"])
    assert (exit_code, tried) == (MetaclipSparkError.exit_code, languages)
    assert said in capsys.readouterr().err
