"""What a run is told: frozen values, checked once when they are made, changed with `dataclasses.replace`.

`Pool` says where the captions are and what their columns mean; `CurateConfig` says how to balance them. Everything
that can change a row of the result is part of `identity`, which the run's identity is a digest of.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from metaclip_spark.errors import ConfigError

PoolFormat = Literal["parquet", "delta"]
TextsPerImage = Literal["all_pairs", "one_text_per_image"]
Compression = Literal["snappy", "zstd", "lz4", "gzip", "uncompressed"]

POOL_FORMATS: Final = ("parquet", "delta")
TEXTS_PER_IMAGE: Final = ("all_pairs", "one_text_per_image")
COMPRESSIONS: Final = ("snappy", "zstd", "lz4", "gzip", "uncompressed")

WAYS_TO_CHOOSE_T: Final = ("t", "target_size", "keep_share", "tail_share")
DEFAULT_T: Final = 20_000.0
"""The paper's threshold for 400 million pairs out of 1.6 billion."""

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
            other language gets the t at which its tail holds the same share of matches (Meta CLIP 2). None: it follows
            from `target_size`, `keep_share` or `tail_share`, of which one is given; 20,000 if none is.
        target_size: rows to keep, all languages together: t is the least at which as many are kept.
        keep_share: the same as a share of the rows read, in (0, 1].
        seed: of the draw, 0 <= seed < 2**64.
        texts_per_image: "all_pairs" balances every matched pair (Demystifying CLIP Data); "one_text_per_image" first
            chooses one matched text of each image and language (Meta CLIP 2).
        overwrite: replace a curated table that another run wrote.
        compression: codec of the curated table's files.
        reference_language: whose t is given.
        tail_share: share of matches on tail entries that sets the t of every language, in [0, 1]; beside a t, of every
            language but the reference. None: the other languages get the share that the reference has at t.
        counts: output of another curation, or ROOT@COUNTS_VERSION, whose counts balance these rows instead of their own
            (frozen counts; an entry that never matched there counts as 1).
        reserve: rows above t are kept apart up to this threshold, by language as for t, so that t can be raised later
            without the pool; None keeps none.
    """

    t: float | None = None
    target_size: int | None = None
    keep_share: float | None = None
    seed: int = 0
    texts_per_image: TextsPerImage = "all_pairs"
    overwrite: bool = field(default=False, metadata={"identity": False})
    compression: Compression = field(default="zstd", metadata={"identity": False})
    reference_language: str = "en"
    tail_share: float | None = None
    reserve: float | None = None
    counts: str | None = field(default=None, metadata={"identity": False})  # what it names is part of the run

    def __post_init__(self) -> None:
        _check_choice(self)
        if self.t is None and self.target_size is None and self.keep_share is None and self.tail_share is None:
            object.__setattr__(self, "t", DEFAULT_T)
        if self.reserve is not None:
            _check_threshold("reserve", self.reserve)
        for name in ("t", "keep_share", "tail_share", "reserve"):  # 1 and 1.0 are the same run
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        self.check_reserve(self.t)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < _SEED_LIMIT:
            raise ConfigError(f"seed {self.seed!r} is not an integer with 0 <= seed < 2**64")
        if not isinstance(self.overwrite, bool):
            raise ConfigError(f"overwrite = {self.overwrite!r} is neither true nor false")
        _one_of("texts_per_image", self.texts_per_image, TEXTS_PER_IMAGE)
        _one_of("compression", self.compression, COMPRESSIONS)

    def check_reserve(self, t: float | None) -> None:
        """The reserve has to lie above t, where it is known already.

        Raises:
            ConfigError: it does not.
        """
        if self.reserve is not None and t is not None and self.reserve <= t:
            raise ConfigError(
                f"reserve = {self.reserve} is not above t = {t}: it keeps the rows between the two; pass a greater "
                "one, or none"
            )

    def identity(self) -> dict[str, Any]:
        """The values that can change a row of the result."""
        fields = self.__dataclass_fields__
        return {name: value for name, value in asdict(self).items() if fields[name].metadata.get("identity", True)}


def _check_threshold(name: str, value: object) -> None:
    if not (isinstance(value, (int, float)) and _is_number(value) and value > 0):
        raise ConfigError(f"{name} = {value!r} is no threshold: pass a finite number of matches > 0 (the paper: 20000)")


def _check_choice(config: CurateConfig) -> None:
    """The ways to choose t: each in its range, and no two that contradict each other."""
    t, size, share, tail = config.t, config.target_size, config.keep_share, config.tail_share
    if t is not None:
        _check_threshold("t", t)
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ConfigError(f"target_size = {size!r} is no number of rows: pass an integer >= 1")
    if share is not None and not (_is_number(share) and 0 < share <= 1):
        raise ConfigError(f"keep_share = {share!r} is no share of the rows read: pass a number > 0, at most 1")
    if tail is not None and not (_is_number(tail) and 0 <= tail <= 1):
        raise ConfigError(f"tail_share = {tail!r} is no share of matches: pass 0 to 1 (about 0.06 in the paper)")
    given = [name for name in WAYS_TO_CHOOSE_T if getattr(config, name) is not None]
    if len(given) > 1 and given != ["t", "tail_share"]:
        raise ConfigError(
            f"{' and '.join(given)} each set the threshold: give one of {', '.join(WAYS_TO_CHOOSE_T)} (t with "
            "tail_share only where there are several languages: of the reference, and of the others)"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{what} {value!r} is unknown: one of {', '.join(allowed)}")
