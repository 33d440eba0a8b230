"""The `--conf` file: it gives defaults, its mistakes are listed at once, and the effective configuration is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from metaclip_spark.cli import main
from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.arguments.recipe import config_of
from metaclip_spark.cli.arguments.session import session_options
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


REQUIRED = ["curate", "--pool", "p", "--metadata", "m.txt", "--tables", "o", "--id-column", "id"]


def parse(*arguments: str) -> Namespace:
    return build_parser().parse_args([*REQUIRED, *arguments])


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
    "seed = 1.5": "seed = 1.5 is not an integer",
    "seed = true": "seed = True is not an integer",
    "overwrite = 1": "overwrite = 1 is not true or false",
    "text_column = 3": "text_column = 3 is not text",
    "pool_version = [1, true]": "is not an integer or a list of integers",
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


@pytest.mark.parametrize("name", ["local", "cluster", "databricks"])
def test_shipped_settings_files_can_be_read(name: str, repository: Path) -> None:
    options = parse("--conf", str(repository / "conf" / f"{name}.toml"))
    config_of(options, run_file_of(options))
