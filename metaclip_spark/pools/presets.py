"""Pools as the well-known data sets come: what their columns mean, by name of the data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from metaclip_spark.config.pool import Pool, PoolColumns, PoolFormat
from metaclip_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

PresetName = Literal["laion", "datacomp", "img2dataset", "cc3m", "cc12m"]


@dataclass(frozen=True)
class Preset:
    """What is known of a kind of pool.

    Attributes:
        columns: what its columns mean.
        format: of its files as published.
        header: of its text files; None where there are none, or they have one.
        schema: names of the columns where the files do not say them.
        about: the data set, for people.
    """

    columns: PoolColumns
    format: PoolFormat
    about: str
    header: bool | None = None
    schema: str | None = None


_CONCEPTUAL: Final = PoolColumns(text="caption", image_url="url")

PRESETS: Final = {
    "laion": Preset(PoolColumns(text="TEXT", image_url="URL"), "parquet", "LAION: URL, TEXT, …"),
    "datacomp": Preset(
        PoolColumns(text="text", uid="uid", image_url="url"), "parquet", "DataComp's metadata: uid, url, text, …"
    ),
    # Its keys are unique within one output folder only: ids are derived.
    "img2dataset": Preset(_CONCEPTUAL, "parquet", "what img2dataset writes: url, caption, key, …"),
    "cc3m": Preset(
        _CONCEPTUAL, "tsv", "Conceptual Captions 3M: caption, url", header=False, schema="caption string, url string"
    ),
    "cc12m": Preset(
        _CONCEPTUAL, "tsv", "Conceptual 12M: url, caption", header=False, schema="url string, caption string"
    ),
}


def preset_pool(
    name: str, paths: str | Sequence[str], *, columns: dict[str, str] | None = None, **changes: Any
) -> Pool:
    """A pool of a known kind.

    Args:
        name: one of laion, datacomp, img2dataset, cc3m, cc12m.
        paths: as of `Pool`.
        columns: fields of `PoolColumns` that differ.
        changes: fields of `Pool` that differ. A text format other than the preset's keeps nothing of its layout: its
            header, or its schema, has to say the columns.

    Raises:
        ConfigError: there is no such preset, or as `Pool`.

    >>> preset_pool("cc12m", "cc12m.tsv").columns.image_url
    'url'
    """
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is None:
        raise ConfigError(f"preset {name!r} is unknown: one of {', '.join(PRESETS)}")
    fields: dict[str, Any] = {"format": preset.format}
    if changes.get("format", preset.format) == preset.format and not (changes.get("header") or changes.get("schema")):
        fields |= {"header": preset.header, "schema": preset.schema}
    meanings = PoolColumns(**(asdict(preset.columns) | (columns or {})))
    paths = (paths,) if isinstance(paths, str) else tuple(paths)
    return Pool(paths=paths, columns=meanings, **(fields | changes))


def fitting_presets(names: Sequence[str]) -> list[str]:
    """Presets whose columns are all among the given ones.

    >>> fitting_presets(["URL", "TEXT", "similarity"])
    ['laion']
    """
    present = set(names)
    return [
        name
        for name, preset in PRESETS.items()
        if preset.schema is None and {column for column in asdict(preset.columns).values() if column} <= present
    ]
