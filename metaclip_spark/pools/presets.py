"""Presets: formats and columns of well-known data sets."""

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
    """Format and columns of a kind of pool.

    Attributes:
        columns: Columns that have a meaning.
        format: Format of the published files.
        header: Whether text files have a header; None: they do, or the format is not a text format.
        schema: Names and types of the columns if the files do not contain them.
        about: Human-readable description.
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
    # Its keys are unique only within one output folder, so ids are derived.
    "img2dataset": Preset(_CONCEPTUAL, "parquet", "the output of img2dataset: url, caption, key, …"),
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
    """Return a pool of a known kind.

    Args:
        name: Name of the preset: laion, datacomp, img2dataset, cc3m or cc12m.
        paths: Paths of the pool, as in `Pool`.
        columns: Fields of `PoolColumns` that differ from the preset.
        changes: Fields of `Pool` that differ from the preset. If the format differs, or a header or a schema is given,
            the preset's header and schema are not used.

    Raises:
        ConfigError: The preset does not exist, or as for `Pool`.

    >>> preset_pool("cc12m", "cc12m.tsv").columns.image_url
    'url'
    """
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if preset is None:
        raise ConfigError(f"Preset {name!r} is unknown. Pass one of {', '.join(PRESETS)}.")
    fields: dict[str, Any] = {"format": preset.format}
    if changes.get("format", preset.format) == preset.format and not (changes.get("header") or changes.get("schema")):
        fields |= {"header": preset.header, "schema": preset.schema}
    meanings = PoolColumns(**(asdict(preset.columns) | (columns or {})))
    paths = (paths,) if isinstance(paths, str) else tuple(paths)
    return Pool(paths=paths, columns=meanings, **(fields | changes))


def fitting_presets(names: Sequence[str]) -> list[str]:
    """Return the presets whose columns are all among the given ones.

    >>> fitting_presets(["URL", "TEXT", "similarity"])
    ['laion']
    """
    present = set(names)
    return [
        name
        for name, preset in PRESETS.items()
        if preset.schema is None and {column for column in asdict(preset.columns).values() if column} <= present
    ]
