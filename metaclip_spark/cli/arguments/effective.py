"""The effective configuration: the result of combining the `--conf` file with the options."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from metaclip_spark.cli.arguments.fields import COLUMN_FIELDS, CONFIG_FIELDS, POOL_FIELDS

if TYPE_CHECKING:
    from metaclip_spark.cli.arguments.session import SessionOptions
    from metaclip_spark.config.curation import CurateConfig
    from metaclip_spark.config.pool import Pool

_SECRET: Final = re.compile(r"secret|password|token|access[.-]?key|credential", re.IGNORECASE)


def effective_configuration(session: SessionOptions, pool: Pool, config: CurateConfig) -> str:
    """Return the effective configuration in the form of a `--conf` file, without secret Spark settings."""
    settings = {key: value for key, value in session.settings.items() if not _SECRET.search(key)}
    curate = {name: getattr(config, name) for name in CONFIG_FIELDS}
    curate |= {name: getattr(pool, field) for name, field in POOL_FIELDS.items()}
    curate |= {"rename": pool.renamed(), "cast": pool.casts()}
    curate |= {name: getattr(pool.columns, field) for name, field in COLUMN_FIELDS.items()}
    lines = ["[session]", *_toml({"master": session.master, "jars": session.jars and str(session.jars)})]
    lines += ["[session.settings]", *_toml(settings), "[curate]", *_toml(curate)]
    hidden = sorted(session.settings.keys() - settings)
    return "\n".join([*lines, *(f"# not shown: {key}" for key in hidden)])


def _toml(values: Mapping[str, Any]) -> list[str]:
    """Return the lines of a TOML table; None, for which TOML has no value, and empty values are left out."""
    return [
        f"{key if key.isidentifier() else json.dumps(key)} = {_toml_value(value)}"
        for key, value in values.items()
        if value is not None and value not in ((), {})
    ]


def _toml_value(value: object) -> str:
    """Return a value as TOML; a JSON string or list is one in TOML too, keys of inline tables are quoted.

    >>> _toml_value({"a b": "c"}), _toml_value(("x", 1))
    ('{"a b" = "c"}', '["x", 1]')
    """
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key, ensure_ascii=False)} = {_toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value, ensure_ascii=False)
