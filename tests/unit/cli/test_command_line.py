"""The command line without Spark: options, help, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from metaclip_spark import errors
from metaclip_spark.cli import compile as compile_command
from metaclip_spark.cli import main
from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.arguments.recipe import config_of
from metaclip_spark.cli.arguments.session import session_options
from metaclip_spark.cli.parser import GROUPS, build_parser
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.core.text_layout import aligned
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from pathlib import Path


REQUIRED = ["curate", "--pool", "p", "--metadata", "m.txt", "--tables", "o", "--id-column", "id"]


def parse(*arguments: str) -> Namespace:
    return build_parser().parse_args([*REQUIRED, *arguments])


def test_python_m_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "metaclip_spark", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("metaclip-spark 0.")


def test_options_become_values() -> None:
    options = parse("--t", "17", "--seed", "3", "--text-column", "TEXT", "--url-column", "URL", "--overwrite")
    run_file = run_file_of(options)
    assert pool_of(options, run_file) == Pool(paths=("p",), columns=PoolColumns(text="TEXT", uid="id", image_url="URL"))
    assert config_of(options, run_file) == CurateConfig(t=17.0, seed=3, overwrite=True)


def test_options_of_rebalance_and_append() -> None:
    rebalance = build_parser().parse_args(["rebalance", "--tables", "o", "--t", "5"])
    assert (rebalance.tables, rebalance.t, rebalance.metadata, rebalance.json) == ("o", 5.0, [], False)
    append = build_parser().parse_args(["append", *REQUIRED[1:], "--pool-name", "b", "--frozen"])
    assert append.frozen
    expected = Pool(paths=("p",), columns=PoolColumns(uid="id"), name="b")
    assert pool_of(append, run_file_of(append)) == expected


def test_an_empty_name_counts_as_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    """A schedule passes an empty parameter for one that is not set."""
    assert main([*REQUIRED, "--text-column", "", "--url-column", "", "--pool-name", "", "--print-config"]) == 0
    with_empty = capsys.readouterr().out
    assert main([*REQUIRED, "--print-config"]) == 0
    assert with_empty == capsys.readouterr().out


def test_reserve_and_counts_are_part_of_the_recipe() -> None:
    options = parse("--t", "5", "--reserve", "9", "--counts", "other")
    assert config_of(options, run_file_of(options)) == CurateConfig(t=5.0, reserve=9.0, counts="other")
    with pytest.raises(ConfigError, match=r"reserve = 4\.0 is not above t = 5\.0"):
        config_of(parse("--t", "5", "--reserve", "4"), run_file_of(options))
    by_size = config_of(parse("--target-size", "5", "--reserve", "4"), run_file_of(options))
    by_size.check_reserve(3.9)
    with pytest.raises(ConfigError, match=r"reserve = 4\.0 is not above t = 4\.0"):
        by_size.check_reserve(4.0)
    for reserve in (0, -1.0, float("inf"), True, "9"):
        with pytest.raises(ConfigError, match="reserve = "):
            CurateConfig(reserve=reserve)  # type: ignore[arg-type]


def test_defaults_are_those_of_the_library() -> None:
    assert config_of(parse(), run_file_of(parse())) == CurateConfig()


@pytest.mark.parametrize("text", ["0", "100%", "1.5", "nan", "-1%", "half", "", "%"])
def test_what_is_not_a_share_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["estimate", "--pool", "p", "--metadata", "m", f"--sample={text}"])
    assert "is not a share of the rows" in capsys.readouterr().err


def test_help_lists_every_command_once_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for title, group in GROUPS.items():
        start = lines.index(title) + 1
        shown = lines[start : start + len(group)]
        assert [tuple(line.split(maxsplit=1)) for line in shown] == [(name, line) for name, (_, line) in group.items()]


@pytest.mark.parametrize("command", [None, *(name for group in GROUPS.values() for name in group)])
def test_help_explains_every_exit_code(command: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([*([command] if command else []), "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    explained = {int(number) for number in re.findall(r"(\d+) [a-zA-Z]", shown.partition("exit codes: ")[2])}
    kinds = {getattr(errors, name) for name in dir(errors) if name.endswith("Error")}
    assert {0, 130, *(kind.exit_code for kind in kinds)} <= explained


def raising(error: BaseException) -> Callable[..., None]:
    def run(_: object) -> None:
        raise error

    return run


EXITS = [
    *(
        (kind("no"), kind.exit_code)
        for kind in (errors.MetaclipSparkError, *errors.MetaclipSparkError.__subclasses__())
    ),
    (ValueError("no"), 1),
    (KeyboardInterrupt(), 130),
]


@pytest.mark.parametrize(("error", "code"), EXITS, ids=lambda value: type(value).__name__)
def test_the_exit_code_tells_the_kind(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_command, "run_compile", raising(error))
    assert main(["compile", "list.txt", "--output", "artifact"]) == code


def test_malformed_setting_is_named() -> None:
    with pytest.raises(ConfigError, match=r"spark\.driver\.memory:8g"):
        session_options(parse("--spark-conf", "spark.driver.memory:8g"), run_file_of(parse()))


@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_control_characters_never_reach_the_terminal(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b[31m\a\u202e\u2028\x9bx\n.txt"
    assert main(["compile", str(tmp_path / name), "--output", str(tmp_path), *options]) == 3
    said = capsys.readouterr()
    assert r"\x1b[31m\x07\u202e\u2028\x9bx\n.txt" in said.err
    assert [character for character in said.err + said.out if not character.isprintable() and character != "\n"] == []


def test_control_characters_in_a_table_are_escaped() -> None:
    assert aligned([("a\nb", "1"), ("\x1b[0m", "22")]) == [r"  a\nb      1", r"  \x1b[0m  22"]
