"""Configuration values: refused values by name, and the description of a pool."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from metaclip_spark.cli.arguments.fields import run_file_of
from metaclip_spark.cli.arguments.pool import pool_of
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.config.curation import CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.errors import ConfigError
from metaclip_spark.pools.presets import PRESETS, preset_pool

if TYPE_CHECKING:
    from pathlib import Path

BY_ID = PoolColumns(uid="id")

THRESHOLDS = [0, -1, -0.0, math.nan, math.inf, -math.inf, 10**400, True, "20000", [1]]


@pytest.mark.parametrize("t", THRESHOLDS, ids=lambda t: repr(t)[:12])
def test_thresholds_that_are_none(t: Any) -> None:
    with pytest.raises(ConfigError, match=r"is not a threshold. Pass a finite number of matches > 0"):
        CurateConfig(t=t)


@pytest.mark.parametrize("t", [5e-324, 1, 1e308, 10**300])
def test_thresholds_of_any_size(t: float) -> None:
    assert CurateConfig(t=t).t == float(t)


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "a seed below 0": ({"seed": -1}, "seed = -1"),
    "a seed too large": ({"seed": 2**64}, "seed = 18446744073709551616"),
    "a share that is text": ({"tail_share": "0.1"}, "tail_share"),
    "a share above 1": ({"tail_share": 1.5}, "tail_share"),
    "a share that is nan": ({"tail_share": math.nan}, "tail_share"),
    "a language that is a number": ({"reference_language": 3}, "reference_language"),
    "a check that is text": ({"check_ids": "yes"}, "check_ids"),
    "counts without a place": ({"counts": ""}, "counts"),
    "counts that are none": ({"counts": 3}, "counts"),
    "unknown texts per image": ({"texts_per_image": "some"}, "one of all_pairs"),
}


@pytest.mark.parametrize(("change", "says"), CONFIGS.values(), ids=CONFIGS)
def test_configurations_that_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        CurateConfig(**change)


POOLS: dict[str, tuple[dict[str, Any], str]] = {
    "no path": ({"paths": ()}, "has no path"),
    "a path that is a number": ({"paths": (1,)}, "paths"),
    "an unknown format": ({"format": "avro"}, "one of parquet, delta, table, csv, tsv, json"),
    "a header of JSON": ({"format": "json", "header": True}, "only to csv and tsv"),
    "many lines of TSV": ({"format": "tsv", "multiline": True}, "only to csv"),
    "a schema of Parquet": ({"schema": "a string"}, "only to csv and tsv and json"),
    "a version of CSV": ({"format": "csv", "version": 1}, "only to delta and table"),
    "a version that is text": ({"format": "delta", "version": "1"}, "must be an integer, not .1."),
    "too few versions": ({"format": "delta", "paths": ("a", "b"), "version": 1}, "1 version.* for 2 Delta tables"),
    "renamed and dropped": ({"rename": {"a": "b"}, "drop": ("a",)}, "'a' is to be renamed or dropped twice"),
    "a meaning renamed": ({"rename": {"text": "caption"}}, "'text' has a meaning"),
    "a meaning dropped": ({"drop": ("id",)}, "'id' has a meaning"),
    "renamed to nothing": ({"rename": {"a": ""}}, "non-empty names"),
    "renamed to a number": ({"rename": {"a": 1}}, "rename"),
    "a name that is a number": ({"name": 2024}, "name must be a string, not 2024"),
    "no columns": ({"columns": None}, "must be PoolColumns"),
}


@pytest.mark.parametrize(("change", "says"), POOLS.values(), ids=POOLS)
def test_pools_that_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Pool(**({"paths": ("p",), "columns": BY_ID} | change))


def from_command_line(*arguments: str) -> Pool:
    command = ["curate", "--metadata", "m", "--tables", "o", "--pool", *arguments]
    options = build_parser().parse_args(command)
    return pool_of(options, run_file_of(options))


SAME: dict[str, tuple[list[str], Pool]] = {
    "two Delta tables at versions": (
        ["a", "b.c", "--format", "delta", "--pool-version", "3", "5", "--id-column", "id"],
        Pool(paths=("a", "b.c"), columns=BY_ID, format="delta", version=(3, 5)),
    ),
    "one version": (
        ["a", "--format", "delta", "--pool-version", "3", "--id-column", "id"],
        Pool(paths="a", columns=BY_ID, format="delta", version=3),  # type: ignore[arg-type]
    ),
    "csv without header": (
        ["a", "--format", "csv", "--no-header", "--schema", "id string, text string", "--id-column", "id"],
        Pool(paths=("a",), columns=BY_ID, format="csv", header=False, schema="id string, text string"),
    ),
    "many lines": (
        ["a", "--format", "csv", "--header", "--multiline", "--id-column", "id"],
        Pool(paths=("a",), columns=BY_ID, format="csv", header=True, multiline=True),
    ),
    "changes": (
        ["a", "--rename", "x=y=x_y", "--rename", "p q=pq", "--drop", "r", "--id-column", "id"],
        Pool(paths=("a",), columns=BY_ID, rename={"x=y": "x_y", "p q": "pq"}, drop=("r",)),
    ),
    "a preset": (["a", "--preset", "laion"], preset_pool("laion", "a")),
    "a preset with another column": (
        ["a", "--preset", "laion", "--text-column", "CAPTION"],
        preset_pool("laion", ["a"], columns={"text": "CAPTION"}),
    ),
    "a preset whose files have a header now": (
        ["a", "--preset", "cc3m", "--header"],
        Pool(paths=("a",), columns=PoolColumns(text="caption", image_url="url"), format="tsv", header=True),
    ),
    "a preset in another format": (
        ["a", "--preset", "cc12m", "--format", "parquet"],
        Pool(paths=("a",), columns=PoolColumns(text="caption", image_url="url")),
    ),
}


@pytest.mark.parametrize(("arguments", "pool"), SAME.values(), ids=SAME)
def test_the_command_line_and_python_say_the_same(arguments: list[str], pool: Pool) -> None:
    assert from_command_line(*arguments) == pool


def test_a_settings_file_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        '[curate]\nformat = "tsv"\nheader = true\ndrop = ["r"]\nid_column = "id"\n[curate.rename]\n"p q" = "pq"\n'
    )
    pool = from_command_line("a", "--conf", str(tmp_path / "run.toml"))
    assert pool == Pool(paths=("a",), columns=BY_ID, format="tsv", header=True, drop=("r",), rename=(("p q", "pq"),))


@pytest.mark.parametrize("given", [["a"], ["a="], ["a=b", "a=c"]], ids=str)
def test_renaming_that_says_nothing(given: list[str]) -> None:
    with pytest.raises(ConfigError, match="rename"):
        from_command_line("p", "--id-column", "id", *(part for pair in given for part in ("--rename", pair)))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_pool(name: str) -> None:
    assert preset_pool(name, "p").columns == PRESETS[name].columns


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="Pass one of laion, datacomp, img2dataset, cc3m, cc12m"):
        preset_pool("coyo", "p")


def test_options_at_their_defaults_are_not_stored() -> None:
    plain = Pool(paths=("p",), columns=BY_ID)
    assert plain.settings().keys() == {"columns"}
