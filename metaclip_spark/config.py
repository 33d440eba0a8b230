"""What a run is told: frozen values, checked once when they are made, changed with `dataclasses.replace`.

`Pool` says where the captions are and what their columns mean; `CurateConfig` says how to balance them. Everything
that can change a row of the result is part of `identity`, which the run's identity is a digest of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from metaclip_spark.config_values import (
    check_flag,
    check_threshold,
    check_whole,
    checked_names,
    is_number,
    is_pair_of_names,
    is_text,
    one_of,
)
from metaclip_spark.errors import ConfigError

PoolFormat = Literal["parquet", "delta", "table", "csv", "tsv", "json"]
TextsPerImage = Literal["all_pairs", "one_text_per_image"]
Compression = Literal["snappy", "zstd", "lz4", "gzip", "uncompressed"]

POOL_FORMATS: Final = ("parquet", "delta", "table", "csv", "tsv", "json")
TABLE_FORMATS: Final = ("delta", "table")
TEXT_FORMATS: Final = ("csv", "tsv", "json")
HEADER_FORMATS: Final = ("csv", "tsv")
TEXTS_PER_IMAGE: Final = ("all_pairs", "one_text_per_image")
COMPRESSIONS: Final = ("snappy", "zstd", "lz4", "gzip", "uncompressed")

WAYS_TO_CHOOSE_T: Final = ("t", "target_size", "keep_share", "tail_share")
DEFAULT_T: Final = 20_000.0
"""The paper's threshold for 400 million pairs out of 1.6 billion."""

_FILE_MIB: Final = 16_384


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
        odd = {meaning: name for meaning, name in asdict(self).items() if not (name is None or is_text(name))}
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
                "--url-column), for ids derived from URL and text, or the kind of pool (--preset)"
            )


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A table of captions.

    Attributes:
        paths: files or folders, read as one table; of a table format, paths of Delta tables or names in the catalog
            (schema.table, catalog.schema.table).
        columns: what its columns mean, by the names they have in the pool.
        format: of the files: "parquet"; "csv" (RFC 4180) or "tsv" (no quoting), every column a string; "json", one
            object a line; "delta"; or "table", any table of the catalog.
        version: of Delta tables: the version to read, or one for each path; None is the newest when the run begins.
        crawl: a name for this pool, recorded with its counts and rows ("CC-MAIN-2024-51").
        header: CSV and TSV: whether each file begins with the names of its columns; None: it does.
        multiline: CSV: quoted fields may hold line ends; a file is then read by one task.
        schema: names and types of the columns, as in CREATE TABLE: for text formats. None: of JSON inferred from all
            records, of the others taken from the header, without one `_c0`, `_c1`, ….
        rename: carried columns to be renamed, new names by the pool's; also given as pairs.
        drop: columns to be left out.
    """

    paths: tuple[str, ...]
    columns: PoolColumns
    format: PoolFormat = "parquet"
    version: int | tuple[int | None, ...] | None = None
    crawl: str = ""
    header: bool | None = None
    multiline: bool = False
    schema: str | None = None
    rename: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("paths", "drop"):
            object.__setattr__(self, name, checked_names(name, getattr(self, name)))
        if not self.paths or not all(self.paths):
            raise ConfigError(f"the pool has no path: {self.paths!r}")
        one_of("pool format", self.format, POOL_FORMATS)
        if not isinstance(self.columns, PoolColumns):
            raise ConfigError(f"columns = {self.columns!r} of a pool is no PoolColumns")
        for name, value in (("crawl", self.crawl), ("schema", "" if self.schema is None else self.schema)):
            if not is_text(value):
                raise ConfigError(f"{name} = {value!r} of a pool is no text")
        if not isinstance(self.header, bool | None) or not isinstance(self.multiline, bool):
            raise ConfigError(f"header = {self.header!r}, multiline = {self.multiline!r}: say true or false")
        self._refuse_unfit_options()
        self._check_versions()
        self._check_changes()

    @property
    def has_header(self) -> bool:
        """Whether each file begins with the names of its columns."""
        return self.format in HEADER_FORMATS and self.header is not False

    def renamed(self) -> dict[str, str]:
        """New names of carried columns by the pool's own."""
        return dict(self.rename)

    def reading(self) -> dict[str, Any]:
        """How the bytes become rows, as far as it is not said by defaults: part of a run's identity."""
        options = {"header": self.header, "multiline": self.multiline or None, "schema": self.schema}
        if self.format in TEXT_FORMATS:
            options["format"] = self.format
        return {name: value for name, value in options.items() if value is not None}

    def changes(self) -> dict[str, Any]:
        """What becomes of carried columns, as far as anything does."""
        changes = {"rename": self.renamed(), "drop": list(self.drop)}
        return {name: value for name, value in changes.items() if value}

    def settings(self) -> dict[str, Any]:
        """Meanings of the columns, reading and changes: what a run's configuration stores of its pool.

        Only what is asked for is named, so that runs over plain Parquet and Delta keep their names.
        """
        asked_for = {"reading": self.reading(), "changes": self.changes()}
        return {"columns": asdict(self.columns)} | {name: values for name, values in asked_for.items() if values}

    def _refuse_unfit_options(self) -> None:
        fitting = {
            "version": (self.version is not None, TABLE_FORMATS),
            "header": (self.header is not None, HEADER_FORMATS),
            "multiline": (self.multiline, ("csv",)),
            "schema": (self.schema is not None, TEXT_FORMATS),
        }
        for name, (given, formats) in fitting.items():
            if given and self.format not in formats:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} of a {self.format} pool: only {' and '.join(formats)} have one"
                )

    def _check_versions(self) -> None:
        if isinstance(self.version, (list, tuple)):
            versions = tuple(self.version)
            object.__setattr__(self, "version", versions[0] if len(versions) == len(self.paths) == 1 else versions)
        else:
            versions = (self.version,) * len(self.paths) if self.version is None else (self.version,)
        odd = [v for v in versions if v is not None and (isinstance(v, bool) or not isinstance(v, int))]
        if odd:
            raise ConfigError(f"version {odd[0]!r} of a pool is no whole number")
        if len(versions) != len(self.paths):
            raise ConfigError(f"{len(versions)} version(s) of {len(self.paths)} Delta tables: give one for each path")

    def _check_changes(self) -> None:
        pairs = tuple(self.rename.items()) if isinstance(self.rename, Mapping) else self.rename
        if not isinstance(pairs, (list, tuple)) or not all(map(is_pair_of_names, pairs)):
            raise ConfigError(
                f"rename = {self.rename!r} of a pool: give new names, none of them empty, by the old ones"
            )
        object.__setattr__(self, "rename", tuple((old, new) for old, new in pairs))
        old = [name for name, _ in pairs]
        own = {name for name in asdict(self.columns).values() if name is not None}
        twice = sorted({name for name in [*old, *self.drop] if [*old, *self.drop].count(name) > 1})
        if twice:
            raise ConfigError(f"column {twice[0]!r} is to be renamed or dropped twice: say once what becomes of it")
        taken = sorted(own & {*old, *self.drop})
        if taken:
            raise ConfigError(
                f"column {taken[0]!r} has a meaning ({asdict(self.columns)}), by which it is named in the result: it "
                "can be neither renamed nor dropped"
            )


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
        file_mib: size in MiB that files of the curated table should have: fewer tasks write where rows are few. A task
            holds one at a time, whatever its size.
        cluster: afterwards put rows of about the same admission threshold into the same files, so that readers of a
            smaller t skip the others. The rows are written a second time for that, by Delta's OPTIMIZE.
        reference_language: whose t is given.
        tail_share: share of matches on tail entries that sets the t of every language, in [0, 1]; beside a t, of every
            language but the reference. None: the other languages get the share that the reference has at t.
        check_ids: count ids that several rows have, at the cost of a shuffle by id. Such rows share one draw.
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
    file_mib: int = field(default=256, metadata={"identity": False})
    cluster: bool = field(default=False, metadata={"identity": False})
    reference_language: str = "en"
    tail_share: float | None = None
    check_ids: bool = field(default=False, metadata={"identity": False})
    reserve: float | None = None
    counts: str | None = field(default=None, metadata={"identity": False})  # what it names is part of the run

    def __post_init__(self) -> None:
        _check_choice(self)
        if self.t is None and self.target_size is None and self.keep_share is None and self.tail_share is None:
            object.__setattr__(self, "t", DEFAULT_T)
        if self.reserve is not None:
            check_threshold("reserve", self.reserve)
        for name in ("t", "keep_share", "tail_share", "reserve"):  # 1 and 1.0 are the same run
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        self.check_reserve(self.t)
        check_whole("seed", self.seed, 0, 2**64 - 1)
        for name in ("overwrite", "cluster", "check_ids"):
            check_flag(name, getattr(self, name))
        if not is_text(self.reference_language):
            raise ConfigError(f"reference_language = {self.reference_language!r} is no text")
        if self.counts is not None and not (is_text(self.counts) and self.counts):
            raise ConfigError(f"counts = {self.counts!r} names no output of another curation: pass ROOT[@VERSION]")
        check_whole("file_mib", self.file_mib, 1, _FILE_MIB)
        one_of("texts_per_image", self.texts_per_image, TEXTS_PER_IMAGE)
        one_of("compression", self.compression, COMPRESSIONS)

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


def _check_choice(config: CurateConfig) -> None:
    """The ways to choose t: each in its range, and no two that contradict each other."""
    t, size, share, tail = config.t, config.target_size, config.keep_share, config.tail_share
    if t is not None:
        check_threshold("t", t)
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ConfigError(f"target_size = {size!r} is no number of rows: pass an integer >= 1")
    if share is not None and not (is_number(share) and 0 < share <= 1):
        raise ConfigError(f"keep_share = {share!r} is no share of the rows read: pass a number > 0, at most 1")
    if tail is not None and not (is_number(tail) and 0 <= tail <= 1):
        raise ConfigError(f"tail_share = {tail!r} is no share of matches: pass 0 to 1 (about 0.06 in the paper)")
    given = [name for name in WAYS_TO_CHOOSE_T if getattr(config, name) is not None]
    if len(given) > 1 and given != ["t", "tail_share"]:
        raise ConfigError(
            f"{' and '.join(given)} each set the threshold: give one of {', '.join(WAYS_TO_CHOOSE_T)} (t with "
            "tail_share only where there are several languages: of the reference, and of the others)"
        )
