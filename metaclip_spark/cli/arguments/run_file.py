"""The `--conf` file: settings of the session and defaults of options, as TOML.

[session]
master = "local[4]"
jars = "folder"
[session.settings]
"spark.driver.memory" = "8g"
[curate]
t = 20000.0
[metadata]
unigram_min_count = 100
"""

from __future__ import annotations

import difflib
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from metaclip_spark.config.metadata import MetadataConfig
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TABLES = ("session", "curate", "metadata")
_METADATA_KEYS: Final = get_type_hints(MetadataConfig)
_SESSION_KEYS = ("jars", "master", "settings")
_NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
_PLURALS = {str: "texts", int: "integers"}


@dataclass(frozen=True)
class RunFile:
    """Contents of a `--conf` file; everything is optional.

    Attributes:
        master: Spark master.
        jars: Folder with Delta's jars.
        settings: Spark settings; the values are strings.
        curate: Defaults of the options of `curate`, by name with "_" for "-".
        metadata: Values of `MetadataConfig`.
    """

    master: str | None = None
    jars: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    curate: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_run_file(path: Path, curate_keys: Mapping[str, Any]) -> RunFile:
    """Read and check a `--conf` file.

    Args:
        path: A TOML file.
        curate_keys: Options that [curate] may set, with the type annotation of their field.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has unknown tables, keys or types; all are listed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The --conf file {path} cannot be read: {error}") from None
    no_tables = [name for name in _TABLES if not isinstance(content.get(name, {}), dict)]
    no_tables += ["session.settings"] if not no_tables and not isinstance(_settings(content), dict) else []
    if no_tables:
        raise ConfigError(f"{path}: {no_tables[0]} is not a table. Write [{no_tables[0]}] and its keys below it.")
    session = content.get("session", {})
    curate = content.get("curate", {})
    problems = [f"unknown table or key {_with_hint(name, _TABLES)}" for name in content.keys() - set(_TABLES)]
    problems += [
        f"unknown key {_with_hint(key, _SESSION_KEYS)} in [session]" for key in session.keys() - {*_SESSION_KEYS}
    ]
    problems += [f"unknown key {_with_hint(key, curate_keys)} in [curate]" for key in curate.keys() - set(curate_keys)]
    problems += [f"{problem} in [curate]" for problem in _wrong_values(curate, curate_keys)]
    metadata = content.get("metadata", {})
    unknown = metadata.keys() - set(_METADATA_KEYS)
    problems += [f"unknown key {_with_hint(key, _METADATA_KEYS)} in [metadata]" for key in unknown]
    problems += [f"{problem} in [metadata]" for problem in _wrong_values(metadata, _METADATA_KEYS)]
    settings = _settings(content)
    problems += [
        f"{key!r} in [session.settings] is a table; write dotted Spark keys in quotes"
        for key, value in settings.items()
        if isinstance(value, dict)
    ]
    problems += [
        f"{key} = {session[key]!r} in [session] is not text"
        for key in ("jars", "master")
        if not isinstance(session.get(key, ""), str)
    ]
    if problems:
        known = {"session": _SESSION_KEYS, "curate": sorted(curate_keys), "metadata": sorted(_METADATA_KEYS)}
        keys = "; ".join(f"[{table}] {', '.join(names)}" for table, names in known.items())
        raise ConfigError(f"{path}: {'; '.join(sorted(problems))}. Known keys: {keys}.")
    return RunFile(
        master=session.get("master"),
        jars=session.get("jars"),
        settings={key: _as_spark(value) for key, value in settings.items()},
        curate=curate,
        metadata=metadata,
    )


def _settings(content: dict[str, Any]) -> Any:
    return content.get("session", {}).get("settings", {})


def _with_hint(name: str, known: Iterable[str]) -> str:
    """Return an unknown name, with the known one that it resembles.

    >>> _with_hint("target-size", ["t", "target_size"]), _with_hint("zoom", ["t"])
    ("'target-size' (did you mean 'target_size'?)", "'zoom'")
    """
    near = difflib.get_close_matches(name.casefold().replace("-", "_"), list(known), n=1, cutoff=0.5)
    return f"{name!r} (did you mean {near[0]!r}?)" if near else repr(name)


def _wrong_values(values: Mapping[str, Any], kinds: Mapping[str, Any]) -> Iterator[str]:
    """Yield a message for each wrong value of a known key."""
    for key, value in values.items():
        if key not in kinds or _fits(value, kinds[key]):
            continue
        allowed = [kind for kind in _members(kinds[key]) if kind is not type(None)]
        if get_origin(allowed[0]) is Literal:
            names = get_args(allowed[0])
            near = difflib.get_close_matches(str(value), names, n=1)
            yield f"{key} = {value!r} is not one of {', '.join(names)}" + (
                f" (did you mean {near[0]!r}?)" if near else ""
            )
        else:
            yield f"{key} = {value!r} is not {' or '.join(map(_name_of, allowed))}"


def _name_of(kind: Any) -> str:
    """Return the name of a type for a message.

    >>> _name_of(tuple[int | None, ...]), _name_of(Mapping[str, str])
    ('a list of integers', 'a table with text values')
    """
    if get_origin(kind) is tuple:
        plain = next(member for member in _members(get_args(kind)[0]) if member is not type(None))
        return f"a list of {_PLURALS[plain]}"
    if get_origin(kind) is Mapping:
        return f"a table with {_NAMES[get_args(kind)[1]]} values"
    return _NAMES.get(kind, str(kind))


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)


def _fits(value: object, kind: Any) -> bool:
    """Return whether a TOML value has one of the types of an annotation.

    >>> _fits(3, float | None), _fits(True, int), _fits("delta", Literal["parquet", "delta"])
    (True, False, True)
    >>> _fits([1, 2], int | tuple[int, ...]), _fits({"a": 1}, Mapping[str, str])
    (True, False)
    """
    return any(_is_a(value, member) for member in _members(kind))


def _is_a(value: object, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(item, get_args(kind)[1]) for item in value.values())
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _as_spark(value: object) -> str:
    """Return a TOML value as Spark writes it.

    >>> _as_spark(True), _as_spark(8)
    ('true', '8')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
