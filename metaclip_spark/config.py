"""What a run is told: frozen values, checked once when they are made, changed with `dataclasses.replace`.

`Pool` says where the captions are and what their columns mean; `CurateConfig` says how to balance them. Everything
that can change a row of the result is part of `as_dict`, which the run's identity is a digest of.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from metaclip_spark.errors import ConfigError

PoolFormat = Literal["parquet", "delta"]
TextsPerImage = Literal["all_pairs", "one_text_per_image"]
Compression = Literal["snappy", "zstd", "lz4", "gzip", "uncompressed"]

POOL_FORMATS: Final = ("parquet", "delta")
TEXTS_PER_IMAGE: Final = ("all_pairs", "one_text_per_image")
COMPRESSIONS: Final = ("snappy", "zstd", "lz4", "gzip", "uncompressed")

_SEED_LIMIT: Final = 2**64


@dataclass(frozen=True, kw_only=True)
class PoolColumns:
    """What the columns of a pool mean; each is named as in the pool.

    Attributes:
        text: the captions; string or binary.
        uid: ids, unique by row; string or integer. None: derived from `image_url` and `text`, so that a row with no URL
            has none and is counted as a reject.
        image_url: the images' URLs; string.
        language: language codes, the keys of the metadata; string. None: every row is of the one language given.
    """

    text: str = "text"
    uid: str | None = None
    image_url: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        odd = {meaning: name for meaning, name in asdict(self).items() if not isinstance(name, str | None)}
        if odd:
            raise ConfigError(f"column names have to be text, or None: {odd}")
        named = [name for name in asdict(self).values() if name is not None]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ConfigError(
                f"column {twice[0]!r} is given two meanings: {asdict(self)}; give each meaning its own column"
            )
        if "" in named:
            raise ConfigError(f"a column name is empty: {asdict(self)}")
        if self.uid is None and self.image_url is None:
            raise ConfigError(
                "the rows have no id: name the pool's id column (uid, --id-column), or its URL column (image_url, "
                "--url-column), for ids derived from URL and text"
            )


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A table of captions.

    Attributes:
        paths: files or folders, read as one table.
        columns: what its columns mean.
        format: of the files.
        version: Delta only: the version to read; None is the newest when the run begins.
        crawl: a name for this pool, recorded with its counts and rows ("CC-MAIN-2024-51").
    """

    paths: tuple[str, ...]
    columns: PoolColumns
    format: PoolFormat = "parquet"
    version: int | None = None
    crawl: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.paths, str):
            object.__setattr__(self, "paths", (self.paths,))
        if not self.paths or not all(self.paths):
            raise ConfigError(f"the pool has no path: {self.paths!r}")
        _one_of("pool format", self.format, POOL_FORMATS)
        if self.version is not None and self.format != "delta":
            raise ConfigError(f"version {self.version} of a {self.format} pool: only Delta tables have versions")
        if self.format == "delta" and len(self.paths) != 1:
            raise ConfigError(f"{len(self.paths)} Delta paths: a pool is one Delta table")


@dataclass(frozen=True, kw_only=True)
class CurateConfig:
    """How to balance.

    Attributes:
        t: threshold in matches, any finite number > 0: of English (`reference_language`), or of the only language. Any
            other language gets the t at which its tail holds the same share of matches (Meta CLIP 2).
        seed: of the draw, 0 <= seed < 2**64.
        texts_per_image: "all_pairs" balances every matched pair (Demystifying CLIP Data); "one_text_per_image" first
            chooses one matched text of each image and language (Meta CLIP 2).
        overwrite: replace a curated table that another run wrote.
        compression: codec of the curated table's files.
        reference_language: whose t is given.
        tail_share: share of matches on tail entries that sets the t of the other languages, in [0, 1]; None: the share
            that the reference language has at t.
        counts: output of another curation, or ROOT@COUNTS_VERSION, whose counts balance these rows instead of their own
            (frozen counts; an entry that never matched there counts as 1).
        reserve: rows above t are kept apart up to this threshold, by language as for t, so that t can be raised later
            without the pool; None keeps none.
    """

    t: float = 20_000.0
    seed: int = 0
    texts_per_image: TextsPerImage = "all_pairs"
    overwrite: bool = field(default=False, metadata={"identity": False})
    compression: Compression = field(default="zstd", metadata={"identity": False})
    reference_language: str = "en"
    tail_share: float | None = None
    reserve: float | None = None
    counts: str | None = field(default=None, metadata={"identity": False})  # what it names is part of the run

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", _threshold("t", self.t))
        if self.reserve is not None:
            object.__setattr__(self, "reserve", _threshold("reserve", self.reserve))
            if self.reserve <= self.t:
                raise ConfigError(
                    f"reserve = {self.reserve} is not above t = {self.t}: it keeps the rows between the two; pass a "
                    "greater one, or none"
                )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < _SEED_LIMIT:
            raise ConfigError(f"seed {self.seed!r} is not an integer with 0 <= seed < 2**64")
        if not isinstance(self.overwrite, bool):
            raise ConfigError(f"overwrite = {self.overwrite!r} is neither true nor false")
        if self.tail_share is not None and not 0 <= self.tail_share <= 1:
            raise ConfigError(
                f"tail_share = {self.tail_share!r} is no share of matches: pass 0 to 1 (about 0.06 in the paper)"
            )
        _one_of("texts_per_image", self.texts_per_image, TEXTS_PER_IMAGE)
        _one_of("compression", self.compression, COMPRESSIONS)

    def identity(self) -> dict[str, Any]:
        """The values that can change a row of the result."""
        fields = self.__dataclass_fields__
        return {name: value for name, value in asdict(self).items() if fields[name].metadata.get("identity", True)}


def _threshold(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} = {value!r} is no threshold: pass a finite number of matches > 0 (the paper: 20000)")
    return float(value)


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{what} {value!r} is unknown: one of {', '.join(allowed)}")
