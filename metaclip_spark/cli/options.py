"""From parsed options to the library's own values: pool, configuration, session settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from metaclip_spark.cli.run_file import RunFile, read_run_file
from metaclip_spark.config.curation import WAYS_TO_CHOOSE_T, CurateConfig
from metaclip_spark.config.pool import Pool, PoolColumns
from metaclip_spark.errors import ConfigError
from metaclip_spark.pools.presets import PresetName, preset_pool

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

# Options of `curate` by the field they set; an option that is not given leaves the field's own default.
_CONFIG_FIELDS: Final = (
    *WAYS_TO_CHOOSE_T,
    "seed",
    "texts_per_image",
    "overwrite",
    "compression",
    "file_mib",
    "cluster",
    "reference_language",
    "check_ids",
    "reserve",
    "counts",
)
_POOL_FIELDS: Final = {
    "format": "format",
    "pool_version": "version",
    "pool_name": "name",
    "header": "header",
    "multiline": "multiline",
    "schema": "schema",
    "rename": "rename",
    "drop": "drop",
}
_COLUMN_FIELDS: Final = {
    "text_column": "text",
    "id_column": "uid",
    "url_column": "image_url",
    "language_column": "language",
}
RUN_FILE_KEYS: Final = {
    option: get_type_hints(owner)[field]
    for owner, fields in (
        (CurateConfig, dict(zip(_CONFIG_FIELDS, _CONFIG_FIELDS, strict=True))),
        (Pool, _POOL_FIELDS),
        (PoolColumns, _COLUMN_FIELDS),
    )
    for option, field in fields.items()
} | {"preset": PresetName, "rename": Mapping[str, str]}
"""What a `--conf` file may set under [curate], with the types."""

# Of the reference language, and of the others.
_PAIR: Final = {"t", "tail_share"}
_SECRET: Final = re.compile(r"secret|password|token|access[.-]?key|credential", re.IGNORECASE)
_LANGUAGE_PREFIX: Final = re.compile(r"(?P<language>[a-z]{2,3}(?:[-_][A-Za-z0-9]+)*|other)=(?P<path>.+)", re.DOTALL)


@dataclass(frozen=True)
class SessionOptions:
    """How to start Spark.

    Attributes:
        master: None leaves it to the environment.
        settings: Spark settings, from the file and then the command line.
        jars: folder with Delta's jars.
    """

    master: str | None
    settings: dict[str, str]
    jars: Path | None


def run_file_of(options: Namespace) -> RunFile:
    """The `--conf` file, or an empty one."""
    path: Path | None = getattr(options, "conf", None)
    return read_run_file(path, RUN_FILE_KEYS) if path else RunFile()


def session_options(options: Namespace, run_file: RunFile) -> SessionOptions:
    """Session options; the command line wins over the file.

    Raises:
        ConfigError: a `--spark-conf` is not KEY=VALUE.
    """
    malformed = [setting for setting in options.spark_conf if not re.match(r"[^=\s]+=", setting)]
    if malformed:
        raise ConfigError(f"--spark-conf {malformed[0]!r} is not of the form KEY=VALUE")
    given = dict(setting.split("=", 1) for setting in options.spark_conf)
    return SessionOptions(
        master=options.master or run_file.master,
        settings=run_file.settings | given,
        jars=options.jars or (Path(run_file.jars) if run_file.jars else None),
    )


def pool_of(options: Namespace, run_file: RunFile) -> Pool:
    """The pool to read.

    Raises:
        ConfigError: as `Pool` and `PoolColumns`.
    """
    chosen = _chosen(options, run_file)
    columns = {field: chosen[name] for name, field in _COLUMN_FIELDS.items() if name in chosen}
    fields = {field: chosen[name] for name, field in _POOL_FIELDS.items() if name in chosen}
    if "rename" in fields:
        fields["rename"] = _renamed(fields["rename"])
    if "preset" in chosen:
        return preset_pool(chosen["preset"], tuple(options.pool), columns=columns, **fields)
    return Pool(paths=tuple(options.pool), columns=PoolColumns(**columns), **fields)


def config_of(options: Namespace, run_file: RunFile) -> CurateConfig:
    """The configuration of the recipe.

    Raises:
        ConfigError: as `CurateConfig`.
    """
    chosen = _chosen(options, run_file)
    return CurateConfig(**{name: chosen[name] for name in _CONFIG_FIELDS if name in chosen})


def effective_configuration(session: SessionOptions, pool: Pool, config: CurateConfig) -> str:
    """What files and options come to, in the form of a `--conf` file; secrets among Spark's settings are left out."""
    settings = {key: value for key, value in session.settings.items() if not _SECRET.search(key)}
    of_curate = {name: getattr(config, name) for name in _CONFIG_FIELDS}
    of_curate |= {name: getattr(pool, field) for name, field in _POOL_FIELDS.items()}
    of_curate |= {"rename": pool.renamed()}
    of_curate |= {name: getattr(pool.columns, field) for name, field in _COLUMN_FIELDS.items()}
    lines = ["[session]", *_toml({"master": session.master, "jars": session.jars and str(session.jars)})]
    lines += ["[session.settings]", *_toml(settings), "[curate]", *_toml(of_curate)]
    hidden = sorted(session.settings.keys() - settings)
    return "\n".join([*lines, *(f"# not shown: {key}" for key in hidden)])


def _toml(values: Mapping[str, Any]) -> list[str]:
    """Lines of a TOML table; None, which TOML lacks, is a key that is not there, and so is what is empty."""
    return [
        f"{key if key.isidentifier() else json.dumps(key)} = {_toml_value(value)}"
        for key, value in values.items()
        if value is not None and value not in ((), {})
    ]


def _toml_value(value: object) -> str:
    """A value as TOML: a JSON string is a TOML string, a JSON list a TOML list; keys of inline tables are quoted.

    >>> _toml_value({"a b": "c"}), _toml_value(("x", 1))
    ('{"a b" = "c"}', '["x", 1]')
    """
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key, ensure_ascii=False)} = {_toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value, ensure_ascii=False)


def metadata_sources(arguments: Iterable[str]) -> list[tuple[str | None, str]]:
    """Language and location of each metadata list.

    Args:
        arguments: "PATH", of the language the metadata itself names or else English, or "LANG=PATH".

    >>> metadata_sources(["entries.txt.gz", "de=german.txt"])
    [(None, 'entries.txt.gz'), ('de', 'german.txt')]
    >>> metadata_sources(["s3a://bucket/part=1/entries.txt"])
    [(None, 's3a://bucket/part=1/entries.txt')]
    """
    prefixed = [(_LANGUAGE_PREFIX.fullmatch(argument), argument) for argument in arguments]
    return [(match["language"], match["path"]) if match else (None, argument) for match, argument in prefixed]


def _renamed(given: object) -> object:
    """New names by old ones: a table of the file, or OLD=NEW of the command line, where a new name holds no "=".

    Raises:
        ConfigError: one is not of this form.

    >>> _renamed(["x=y=x_y"])
    {'x=y': 'x_y'}
    """
    if not isinstance(given, list):
        return given
    odd = [pair for pair in given if "=" not in pair]
    if odd:
        raise ConfigError(f"--rename {odd[0]!r} is not of the form OLD=NEW")
    pairs = [tuple(pair.rsplit("=", 1)) for pair in given]
    renamed = dict(pairs)
    if len(renamed) < len(pairs):
        raise ConfigError(f"--rename gives a column two names: {', '.join(given)}")
    return renamed


def _chosen(options: Namespace, run_file: RunFile) -> Mapping[str, Any]:
    given = {name: value for name, value in vars(options).items() if name in RUN_FILE_KEYS and value is not None}
    # A way to choose t on the command line stands for all of them: the file's t is no contradiction to --target-size.
    ways = given.keys() & set(WAYS_TO_CHOOSE_T)
    replaced = set(WAYS_TO_CHOOSE_T) if ways else set()
    if ways <= _PAIR <= run_file.curate.keys():  # one of the two that the file gives together stands for itself
        replaced -= _PAIR
    return {name: value for name, value in run_file.curate.items() if name not in replaced} | given
