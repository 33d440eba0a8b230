"""The file of `--conf`: settings of the session and defaults of options, as TOML.

[session]
master = "local[4]"
jars = "folder"
[session.settings]
"spark.driver.memory" = "8g"
[curate]
t = 20000.0
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_SESSION_KEYS = ("jars", "master", "settings")


@dataclass(frozen=True)
class RunFile:
    """What a `--conf` file says; everything may be absent.

    Attributes:
        master: Spark master.
        jars: folder with Delta's jars.
        settings: Spark settings, values as strings.
        curate: defaults of curate's options, by their names with "_" for "-".
    """

    master: str | None = None
    jars: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    curate: dict[str, Any] = field(default_factory=dict)


def read_run_file(path: Path, curate_keys: frozenset[str]) -> RunFile:
    """Read and check a `--conf` file.

    Args:
        path: a TOML file.
        curate_keys: the options that [curate] may set.

    Raises:
        ConfigError: not readable, no TOML, or with unknown tables, keys or types: all of them are listed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the settings file {path}: {error}") from None
    odd = [name for name in ("session", "curate") if not isinstance(content.get(name, {}), dict)]
    odd += ["session.settings"] if not odd and not isinstance(_settings(content), dict) else []
    if odd:
        raise ConfigError(f"{path}: {odd[0]} is no table: write [{odd[0]}] and its keys below")
    session = content.get("session", {})
    problems = [f"unknown table or key {name!r}" for name in content.keys() - {"session", "curate"}]
    problems += [f"unknown key {key!r} in [session]" for key in session.keys() - set(_SESSION_KEYS)]
    problems += [f"unknown key {key!r} in [curate]" for key in content.get("curate", {}).keys() - curate_keys]
    settings = _settings(content)
    problems += [
        f"{key!r} in [session.settings] is a table: write dotted Spark keys in quotes"
        for key, value in settings.items()
        if isinstance(value, dict)
    ]
    problems += [
        f"{key} = {session[key]!r} in [session] is no text"
        for key in ("jars", "master")
        if not isinstance(session.get(key, ""), str)
    ]
    if problems:
        known = f"[session] knows {', '.join(_SESSION_KEYS)}; [curate] knows {', '.join(sorted(curate_keys))}"
        raise ConfigError(f"{path}: {'; '.join(sorted(problems))}. {known}")
    return RunFile(
        master=session.get("master"),
        jars=session.get("jars"),
        settings={key: _as_spark(value) for key, value in settings.items()},
        curate=content.get("curate", {}),
    )


def _settings(content: dict[str, Any]) -> Any:
    return content.get("session", {}).get("settings", {})


def _as_spark(value: object) -> str:
    """A TOML value as Spark writes it.

    >>> _as_spark(True), _as_spark(8)
    ('true', '8')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
