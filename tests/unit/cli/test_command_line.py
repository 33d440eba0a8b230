"""The command line without Spark: options, settings files, compile, errors by kind."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

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
from metaclip_spark.core.matching.artifact import artifact_from_buffer
from metaclip_spark.core.matching.matcher import Matcher
from metaclip_spark.core.matching.tokens import build_words
from metaclip_spark.errors import ConfigError
from metaclip_spark.host.cache_directory import CACHE_VARIABLE
from metaclip_spark.host.kernel_digest import kernel_digest

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from pathlib import Path

LIST = ["photo", "", "new york", "photo", "St. Louis", "a\tb"]
REQUIRED = ["curate", "--pool", "p", "--metadata", "m.txt", "--tables", "o", "--id-column", "id"]


def parse(*arguments: str) -> Namespace:
    return build_parser().parse_args([*REQUIRED, *arguments])


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".gz", ".json"])
def test_compile_reads_every_form_and_writes_an_artifact(suffix: str, tmp_path: Path) -> None:
    content = json.dumps(LIST).encode() if suffix == ".json" else "".join(line + "\n" for line in LIST).encode()
    source = tmp_path / f"list{suffix}"
    source.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    artifact = tmp_path / "artifact"
    assert main(["compile", str(source), "--output", str(artifact), "--language", "de"]) == 0
    compiled = artifact_from_buffer(artifact.read_bytes())
    assert compiled.language == "de"
    assert Matcher(compiled).match("photo, new york") == [0, 2]


def test_compile_reports_what_can_never_match(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text(json.dumps(LIST))
    main(["compile", str(tmp_path / "list.json"), "--output", str(tmp_path / "artifact")])
    lines = capsys.readouterr().out.splitlines()
    for text in ("entries", "can match", "blank", "repeated", "tab, newline", "'St. Louis'"):
        assert any(text in line for line in lines), text


def test_compile_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text(json.dumps(LIST))
    main(["compile", str(tmp_path / "list.json"), "--output", str(tmp_path / "artifact"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["entries"]["counts"] == {"matchable": 2, "blank": 1, "repeated": 1, "control": 1, "unmatchable": 1}
    assert report["bytes"] == (tmp_path / "artifact").stat().st_size


class Failure(NamedTuple):
    name: str
    content: bytes | None
    exit_code: int
    says: str


FAILURES = [
    Failure("absent", None, 3, "cannot read the metadata"),
    Failure("not UTF-8", b"caf\xe9\n", 3, "not UTF-8"),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_errors_are_one_line_without_traceback(
    case: Failure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "list.txt"
    if case.content is not None:
        source.write_bytes(case.content)
    assert main(["compile", str(source), "--output", str(tmp_path / "artifact")]) == case.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("metaclip-spark: ")
    assert case.says in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "artifact").exists()


def test_truncated_gzip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt.gz").write_bytes(gzip.compress(b"photo\n" * 1000)[:-9])
    assert main(["compile", str(tmp_path / "list.txt.gz"), "--output", str(tmp_path / "artifact")]) == 3
    assert "list.txt.gz" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot read"):
        main(["compile", str(tmp_path / "absent.txt"), "--output", str(tmp_path / "artifact"), "--debug"])


def test_unwritable_artifact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt").write_text("photo\n")
    assert main(["compile", str(tmp_path / "list.txt"), "--output", str(tmp_path / "absent" / "artifact")]) == 6
    assert "cannot be written" in capsys.readouterr().err


def test_kernels_are_announced_before_they_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.txt").write_text("photo\n")
    command = ["compile", str(tmp_path / "list.txt"), "--output", str(tmp_path / "artifact"), "--progress"]
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    assert main(command) == 0
    assert "Compiling kernels" in capsys.readouterr().err
    folder = tmp_path / "cache" / "kernels" / kernel_digest(build_words.__name__)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "find-1.compiled").touch()
    assert main(command) == 0
    assert capsys.readouterr().err == ""


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


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'session.master = "local[3]"\nsession.settings = {"spark.a" = 1, "spark.b" = true}\n'
        '[curate]\nt = 5\nseed = 9\ntext_column = "caption"\n'
    )
    options = parse("--conf", str(file), "--t", "6", "--spark-conf", "spark.a=2=3", "--master", "local[1]")
    run_file = run_file_of(options)
    session = session_options(options, run_file)
    assert (session.master, session.settings) == ("local[1]", {"spark.a": "2=3", "spark.b": "true"})
    assert config_of(options, run_file) == CurateConfig(t=6.0, seed=9)
    assert pool_of(options, run_file).columns.text == "caption"


def test_every_problem_of_a_settings_file_is_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[sesion]\n[session]\nmastr = 1\nsettings.spark.driver.memory = '8g'\n[curate]\ntt = 5\n")
    with pytest.raises(ConfigError) as caught:
        run_file_of(parse("--conf", str(file)))
    for problem in ("'sesion' (did you mean 'session'?)", "'mastr'", "'master'", "'tt'", "in quotes"):
        assert problem in str(caught.value)


WRONG_VALUES = {
    't = "20"': "t = '20' is not a number",
    "seed = 1.5": "seed = 1.5 is not a whole number",
    "seed = true": "seed = True is not a whole number",
    "overwrite = 1": "overwrite = 1 is not true or false",
    "text_column = 3": "text_column = 3 is not text",
    "pool_version = [1, true]": "is not a whole number or a list of whole numbers",
    'drop = "a"': "drop = 'a' is not a list of texts",
    'rename = ["a=b"]': "is not a table with text values",
    'preset = "lion"': "did you mean 'laion'?",
    'format = "parqet"': "is not one of parquet, delta",
    'compression = "zst"': "did you mean 'zstd'?",
    "target-size = 5": "'target-size' (did you mean 'target_size'?)",
    'url_colum = "URL"': "did you mean 'url_column'?",
}


def test_every_value_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    for line, says in WRONG_VALUES.items():
        file = tmp_path / "run.toml"
        file.write_text(f"[curate]\n{line}\n")
        with pytest.raises(ConfigError) as caught:
            run_file_of(parse("--conf", str(file)))
        assert says in str(caught.value), line


def test_a_way_to_choose_t_replaces_the_files(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[curate]\nt = 5\ntail_share = 0.1\n")
    options = parse("--conf", str(file), "--target-size", "70")
    assert config_of(options, run_file_of(options)) == CurateConfig(target_size=70)
    options = parse("--conf", str(file), "--seed", "1")
    assert config_of(options, run_file_of(options)) == CurateConfig(t=5, tail_share=0.1, seed=1)
    # The file has both, for several languages: one alone would set another rule for the others.
    for given, expected in (
        (("--t", "6"), CurateConfig(t=6, tail_share=0.1)),
        (("--tail-share", "0.2"), CurateConfig(t=5, tail_share=0.2)),
        (("--t", "6", "--tail-share", "0.2"), CurateConfig(t=6, tail_share=0.2)),
    ):
        options = parse("--conf", str(file), *given)
        assert config_of(options, run_file_of(options)) == expected
    for single in ("t = 5", "tail_share = 0.1"):
        file.write_text(f"[curate]\n{single}\n")
        options = parse("--conf", str(file), *(("--tail-share", "0.2") if single.startswith("t ") else ("--t", "6")))
        config = config_of(options, run_file_of(options))
        assert (config.t is None) != (config.tail_share is None)


def test_the_printed_configuration_is_a_settings_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--keep-share", "0.25", "--spark-conf", 'spark.a="b"\\', "--spark-conf", "spark.x.secret.key=hush"]
    given += [
        "--master",
        "local[3]",
        "--text-column",
        "Tä xt",
        "--overwrite",
        "--format",
        "delta",
        "--pool-version",
        "3",
        *("--rename", "a b=a_b", "--rename", "c=d", "--drop", "e", "--drop", "f", "--check-ids"),
    ]
    assert main([*REQUIRED, *given, "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert "hush" not in printed
    assert "# not shown: spark.x.secret.key" in printed
    file = tmp_path / "run.toml"
    file.write_text(printed, encoding="utf-8")
    again, options = parse("--conf", str(file)), parse(*given)
    read_back, session = run_file_of(again), session_options(again, run_file_of(again))
    assert config_of(again, read_back) == config_of(options, run_file_of(options))
    assert pool_of(again, read_back) == pool_of(options, run_file_of(options))
    assert (session.master, session.settings) == ("local[3]", {"spark.a": '"b"\\'})


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


@pytest.mark.parametrize("name", ["local", "cluster", "databricks"])
def test_shipped_settings_files_can_be_read(name: str, repository: Path) -> None:
    options = parse("--conf", str(repository / "conf" / f"{name}.toml"))
    config_of(options, run_file_of(options))


def test_malformed_setting_is_named() -> None:
    with pytest.raises(ConfigError, match=r"spark\.driver\.memory:8g"):
        session_options(parse("--spark-conf", "spark.driver.memory:8g"), run_file_of(parse()))
